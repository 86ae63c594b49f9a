"""The hook gets each backup, and whatever it does, the backup stays, and how it ended is told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from onehost.backups import hook as hooking
from tests.integration.onehost.dated_backups import DatedHost
from tests.patience import PATIENCE


def hook(dated: DatedHost, script: str, seconds: int = 60) -> Path:
    """A hook that runs these lines of a shell."""
    path = dated.folder.parent / "hook"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    dated.settings |= {"backup_hook": str(path), "backup_hook_seconds": seconds}
    return path


async def test_it_is_told_what_to_take_away_and_nothing_else(
    dated: DatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = dated.folder.parent / "out"
    hook(dated, f'env > {out}; echo "arguments $@" >> {out}; pwd >> {out}; cat >> {out}')
    monkeypatch.setenv("POSTHORN_OPERATOR_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    made = dated.made()
    told = out.read_text()
    assert "secret" not in told
    for line in (
        f"POSTHORN_BACKUP={made.path}",
        f"POSTHORN_BACKUPS={dated.folder}",
        "POSTHORN_BACKUP_MISSING=0",
        f"arguments {made.path}",
        "/",
    ):
        assert line in told.splitlines()
    assert "POSTHORN_BACKUP_BEGAN_AT=20" in told
    assert (dated.notes.hook_failure, dated.notes.hooked_at > 0) == ("", True)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo first; echo no route to the store >&2; exit 7",
            "ended with 7: no route to the store",
        ),
        ("exit 1", "ended with 1"),
        ("kill -9 $$", "was ended by signal 9"),
        ("printf '\\033[31mred'; exit 2", "ended with 2: \\x1b[31mred"),
    ],
)
async def test_it_fails(dated: DatedHost, script: str, why: str) -> None:
    path = hook(dated, script)
    done = dated.run("--json")
    assert done.code == 1
    assert done.err == f"posthorn: The hook {path} {why}.\n"
    assert done.json["failures"] == [dated.notes.hook_failure] == [f"The hook {path} {why}"]
    assert [one.path.name for one in dated.all] == [done.json["backup"]]
    assert dated.notes.failure == ""
    hook(dated, "exit 0")
    dated.made()
    assert dated.notes.hook_failure == ""


async def test_it_says_without_end(dated: DatedHost) -> None:
    path = hook(dated, "yes | head -c 20000000; echo at last; exit 3")
    assert dated.run().err == f"posthorn: The hook {path} ended with 3: at last.\n"


async def test_it_takes_too_long_and_ends_with_all_it_started(dated: DatedHost) -> None:
    mark = dated.folder.parent / "pid"
    path = hook(dated, f"trap '' TERM; sleep {PATIENCE} & echo $! > {mark}; wait; wait", seconds=1)
    assert dated.run().err.endswith(
        f"posthorn: The hook {path} was not done after 1 s and was ended.\n"
    )
    pid, until = int(mark.read_text()), time.monotonic() + PATIENCE
    while is_there(pid):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(dated.all) == 1


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_what_it_leaves_running_is_not_waited_for(dated: DatedHost) -> None:
    hook(dated, f"sleep {PATIENCE} & exit 0", seconds=int(PATIENCE))
    begun = time.monotonic()
    dated.made()
    assert time.monotonic() - begun < PATIENCE / 2


async def test_it_cannot_be_started(dated: DatedHost) -> None:
    path = hook(dated, "exit 0")
    path.chmod(0o644)
    assert dated.run().err == f"posthorn: The hook {path} cannot be started: Permission denied.\n"
    dated.settings["backup_hook"] = "hook"
    assert dated.run().err == "posthorn: The hook hook is no absolute path.\n"
    dated.settings["backup_hook"] = ""
    dated.made()
    assert (dated.notes.hook_failure, dated.notes.hooked_at) == ("", 0)


def test_what_is_kept_of_the_environment() -> None:
    assert not any(name.startswith(("POSTHORN", "AWS", "CREDENTIALS")) for name in hooking._KEPT)
