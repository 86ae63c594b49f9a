"""No version is released without what it stores: each with a section in the changelog, or a tag, has its fixture."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import VERSION
from chalicelib.adapters.sqlite.snapshot import SCHEMAS
from infra.release.changelog import released
from infra.release.code import order_of, version_of
from onehost.main import main
from tests import release_fixture
from tests.upgrade import kept


def lacking(folder: Path, versions: set[str]) -> Iterator[str]:
    """What is missing of the fixtures of these versions."""
    for version in sorted(versions, key=order_of):
        for name in kept.FILES:
            path = folder / version / name
            if not path.is_file():
                yield f"{version} has no {name}: run `python -m tests.release_fixture` before its release"
            elif not 0 < path.stat().st_size < kept.LARGEST:
                yield f"{name} of {version} has {path.stat().st_size} bytes"


def tags() -> set[str]:
    """The versions that have a tag; none in sources that are no repository."""
    git = ("git", "-C", str(kept.ROOT), "tag", "--list", "v*")
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return set()
    return {tag.removeprefix("v") for tag in done.stdout.split()}


def test_every_released_version_has_one() -> None:
    told = set(released((kept.ROOT / "CHANGELOG.md").read_text()))
    assert told
    assert list(lacking(kept.RELEASES, told | tags())) == []


def test_what_is_out_keeps_its_fixture() -> None:
    assert [one for one in sorted(tags()) if kept.changed_since(one)] == []


def test_a_fixture_that_is_changed_after_the_release_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A test", "-c", "user.email=test@acme.test")
        subprocess.run(("git", "-C", tmp_path, *who, *arguments), check=True, capture_output=True)

    about = tmp_path / "tests/data/releases/1.0.0/about.json"
    about.parent.mkdir(parents=True)
    about.write_text("{}")
    for arguments in (("init",), ("add", "--all"), ("commit", "--message", "It is out")):
        git(*arguments)
    assert not kept.is_released("1.0.0", tmp_path)
    git("tag", "v1.0.0")
    assert kept.is_released("1.0.0", tmp_path)
    assert not kept.changed_since("1.0.0", tmp_path)
    about.write_text("[]")
    assert kept.changed_since("1.0.0", tmp_path)
    git("commit", "--all", "--message", "It is out, and changed")
    assert kept.changed_since("1.0.0", tmp_path)

    monkeypatch.setattr(kept, "is_released", lambda version: True)
    (tmp_path / VERSION).mkdir()
    assert release_fixture.main(["--into", str(tmp_path)]) == 1
    assert "its fixture is never changed" in capsys.readouterr().err
    assert list((tmp_path / VERSION).iterdir()) == []


def test_the_version_of_the_sources_is_the_newest_that_is_told_of() -> None:
    told = released((kept.ROOT / "CHANGELOG.md").read_text())
    assert max(told, key=order_of) == version_of(kept.ROOT)


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"posthorn {version_of(kept.ROOT)}\n"


def test_each_says_what_it_is(version: str) -> None:
    about = json.loads((kept.RELEASES / version / "about.json").read_text())
    assert about["version"] == version
    assert all(about["schemas"][name] <= len(known) for name, known in SCHEMAS.items())


@pytest.mark.parametrize("name", kept.FILES)
def test_a_fixture_without_one_of_its_files_is_found(tmp_path: Path, name: str) -> None:
    for one in kept.FILES:
        path = tmp_path / "1.0.0" / one
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    assert list(lacking(tmp_path, {"1.0.0"})) == []
    (tmp_path / "1.0.0" / name).unlink()
    assert [one.partition(":")[0] for one in lacking(tmp_path, {"1.0.0"})] == [
        f"1.0.0 has no {name}"
    ]
    assert len(list(lacking(tmp_path, {"1.0.0", "1.1.0"}))) == 1 + len(kept.FILES)
