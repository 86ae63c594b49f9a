"""`posthorn suppression` and `posthorn job`: lists changed by hand, files in and out, jobs waited for or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.cli import jobs
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.services.jobs.run import RunJobs
from tests.http_api import ApiWorld, api_world


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


@pytest.fixture(autouse=True)
def worked_off(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody works on jobs while the command waits, which opens the storage itself."""
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", "what the test opens")
    monkeypatch.setattr("functions.runtime.write_line", lambda _line: None)
    monkeypatch.setattr(jobs, "pause", lambda _: bootstrap.run(api.scene.posthorn[RunJobs].run(5)))


def run(api: ApiWorld, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["--local", *words], Session(open_installation=lambda: api.scene.posthorn))
    said = capsys.readouterr()
    return code, said.out + said.err


def as_json(api: ApiWorld, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out = run(api, capsys, "--json", *words)
    assert code == 0, out
    return json.loads(out)


def test_a_list_is_changed_by_hand(api: ApiWorld, capsys: pytest.CaptureFixture[str]) -> None:
    made = as_json(api, capsys, "suppression", "add", "Bob@x.example", "--note", "asked")
    assert (made["address"], made["note"], made["scope"]) == ("bob@x.example", "asked", "server")
    as_json(api, capsys, "suppression", "add", "*@y.example", "--organization", "acme")
    as_json(
        api,
        capsys,
        "suppression",
        "add",
        "bob@x.example",
        "--stream",
        "broadcast",
        "--never-expires",
    )
    listed = as_json(api, capsys, "suppression", "list")["data"]
    assert sorted((one["address"], one["scope"]) for one in listed) == [
        ("*@y.example", "organization"),
        ("bob@x.example", "server"),
        ("bob@x.example", "stream"),
    ]
    assert len(as_json(api, capsys, "suppression", "list", "--scope", "stream")["data"]) == 1
    _, text = run(api, capsys, "suppression", "show", "bob@x.example")
    assert "added by hand" in text
    assert "asked" in text
    assert run(api, capsys, "suppression", "remove", "bob@x.example", "--note", "sorry")[0] == 0
    assert run(api, capsys, "suppression", "remove", "bob@x.example")[0] != 0


def test_a_file_goes_in_and_out(
    api: ApiWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("address,reason\na@x.example,bounce\nb@x.example,complaint\n")
    code, text = run(api, capsys, "suppression", "import", str(file), "--dry-run")
    assert (code, text.splitlines()[0]) == (0, "It would be about 2.")
    job = as_json(api, capsys, "suppression", "import", str(file))
    assert (job["status"], job["result"]["added"]) == ("done", 2)
    file.write_text("address\nnobody\nc@x.example\n")
    code, text = run(api, capsys, "suppression", "import", str(file))
    assert code == 1
    assert "Line 2 has no e-mail address" in text
    job = as_json(api, capsys, "suppression", "export", "--reason", "bounce")
    assert job["result"]["rows"] == 1
    listed = as_json(api, capsys, "job", "list")["data"]
    assert sorted(one["type"] for one in listed) == [
        "export",
        "import_suppressions",
        "import_suppressions",
    ]
    assert as_json(api, capsys, "job", "show", job["id"])["id"] == job["id"]


def test_nobody_has_to_wait(
    api: ApiWorld, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("address\na@x.example\n")
    job = as_json(api, capsys, "suppression", "import", str(file), "--no-wait")
    assert job["status"] == "queued"
    assert as_json(api, capsys, "job", "stop", job["id"])["status"] == "stopped"
    bootstrap.run(api.scene.posthorn[RunJobs].run(5))
    assert as_json(api, capsys, "job", "show", job["id"])["status"] == "stopped"
    file.write_bytes(b"address\na\xff@x.example\n")
    assert run(api, capsys, "suppression", "import", str(file))[0] != 0


def test_many_messages_are_held_looked_at_and_released(
    api: ApiWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x"}
    numbers = [api.v2("POST", "/emails", {**sent, "tag": "t"}).json["id"] for _ in range(3)]
    other = api.v2("POST", "/emails", sent).json["id"]
    code, text = run(api, capsys, "message", "hold", "--q", "tag:t", "--dry-run")
    assert (code, text.splitlines()[0]) == (0, "It would be about 3.")
    held = as_json(api, capsys, "message", "hold", "--q", "tag:t")
    assert (held["status"], held["done"]) == ("done", 3)
    looked = as_json(api, capsys, "message", "release", "--all", "--dry-run")
    assert looked["skipped"] == [{"detail": "It is not held", "count": 1}]
    code, text = run(api, capsys, "message", "release", "--all", "--dry-run")
    assert text.splitlines()[1] == "1: It is not held"
    code, text = run(api, capsys, "message", "release", "--all", "--note", "looked at")
    assert code == 1
    assert f"Message {other} is not held" in text
    cancelled = as_json(api, capsys, "message", "cancel", str(numbers[0]))
    assert cancelled["status"] == "HoldCancelled"
    job = as_json(api, capsys, "message", "hold", "--status", "queued", "--no-wait")
    assert job["status"] == "queued"
    for wrong in (["hold"], ["hold", "1", "--all"], ["hold", "1", "--dry-run"]):
        assert run(api, capsys, "message", *wrong)[0] == 2
    assert run(api, capsys, "message", "hold", "--q", "colour:red")[0] == 1
    assert run(api, capsys, "message", "replay", "--all", "--endpoint", "nobody")[0] != 0
