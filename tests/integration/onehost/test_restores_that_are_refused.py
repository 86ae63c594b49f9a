"""A restore that cannot be made says why in one sentence, exits with 1 and changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from onehost.storage.manifest import digest_of
from tests.integration.onehost.conftest import Run
from tests.kept_mail import fill, make_host


def _no_manifest(saved: Path, other: Path) -> str:
    (saved / "manifest.json").unlink()
    return f"There is no backup in {saved}"


def _dated(saved: Path, other: Path) -> str:
    whole = shutil.move(saved, saved.with_name("whole"))
    for name in ("000001-20261130T021500Z", "000002-20261201T021500Z"):
        shutil.copytree(whole, saved / name)
    return f"There is no backup in {saved} itself: name one of its folders, such as {saved / name}"


def _half_done(saved: Path, other: Path) -> str:
    (saved / "manifest.json").rename(saved / "unfinished")
    return f"The backup in {saved} was not finished: take it again"


def _no_folder(saved: Path, other: Path) -> str:
    shutil.rmtree(saved)
    return f"There is no backup in {saved}"


def _garbled_manifest(saved: Path, other: Path) -> str:
    (saved / "manifest.json").write_text("{")
    return f"The backup in {saved} is damaged: {saved}/manifest.json is no manifest"


def _newer_manifest(saved: Path, other: Path) -> str:
    _change(saved, lambda manifest: manifest.update(version=2))
    return f"The backup in {saved} was taken by a newer release"


def _database(saved: Path) -> Path:
    return next(saved.glob("mail-*.db"))


def _garbled_database(saved: Path, other: Path) -> str:
    content = bytearray(_database(saved).read_bytes())
    content[-100] ^= 1
    _database(saved).write_bytes(content)
    return f"The backup in {saved} is damaged: {_database(saved).name} is not as it was written"


def _missing_database(saved: Path, other: Path) -> str:
    name = _database(saved).name
    _database(saved).unlink()
    return f"The backup in {saved} is damaged: {name} is not as it was written"


def _newer_schema(saved: Path, other: Path) -> str:
    db = apsw.Connection(str(_database(saved)))
    db.execute("PRAGMA user_version = 99")
    db.close()
    digest = digest_of(_database(saved))
    _change(saved, lambda found: found["databases"]["mail.db"].update(schema=99, sha256=digest))
    return f"{_database(saved)} was written by a newer release (schema 99, this one knows 6)"


def _missing_segment(saved: Path, other: Path) -> str:
    segment = next(saved.glob("bodies/*/*.seg"))
    segment.unlink()
    name = segment.relative_to(saved)
    return f"The backup in {saved} is damaged: {name} is missing or too short; `--damaged` restores what is sound"


def _garbled_body(saved: Path, other: Path) -> str:
    segment = next(saved.glob("bodies/*/*.seg"))
    content = bytearray(segment.read_bytes())
    content[30] ^= 1
    segment.write_bytes(content)
    key = segment.relative_to(saved / "bodies")
    return (
        f"The backup in {saved} is damaged: Message 1/1 has a damaged body at 16 of {key};"
        " `--damaged` restores what is sound"
    )


def _not_empty(saved: Path, other: Path) -> str:
    (other / "mail.db").write_bytes(b"")
    return f"{other} is not empty: a restore needs an empty state folder"


def _no_key(saved: Path, other: Path) -> str:
    (other / "key").unlink()
    place = f"Put the key file of the installation at {other}/key first"
    return f"{place}, or give this the credential `key`: it is in no backup"


def _another_key(saved: Path, other: Path) -> str:
    (other / "key").chmod(0o600)
    (other / "key").write_text("ab" * 32)
    (other / "key").chmod(0o400)
    return f"{other}/key is not the key of this backup: The key file is not the one that sealed the secrets"


def _no_key_file(saved: Path, other: Path) -> str:
    (other / "key").chmod(0o600)
    (other / "key").write_text("secret")
    return f"{other}/key is no key file: each line has 64 hex digits"


def _open_to_others(saved: Path, other: Path) -> str:
    other.chmod(0o755)
    return (
        f"Others may look into the state folder {other}: `chmod 700 {other}`, if all in it is yours"
    )


def _change(saved: Path, change: Callable[[dict[str, dict[str, dict[str, object]]]], None]) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    change(manifest)
    (saved / "manifest.json").write_text(json.dumps(manifest))


REASONS = [
    _no_manifest, _dated, _half_done, _no_folder, _garbled_manifest, _newer_manifest, _garbled_database,
    _missing_database, _newer_schema, _missing_segment, _garbled_body, _not_empty, _no_key, _another_key, _no_key_file,
    _open_to_others,
]  # fmt: skip


@pytest.fixture
async def saved(state: Path, tmp_path: Path, posthorn: Run) -> Path:
    await fill(await make_host(state))
    assert posthorn("backup", str(tmp_path / "saved"), "--state", str(state)).code == 0
    return tmp_path / "saved"


@pytest.fixture
def other(state: Path, saved: Path, tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir(mode=0o700)
    shutil.copy2(state / "key", tmp_path / "other" / "key")
    return tmp_path / "other"


def tree(folder: Path) -> dict[str, bytes | None]:
    if not folder.is_dir():
        return {}
    return {str(path): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize("reason", REASONS, ids=lambda one: one.__name__.strip("_"))
async def test_it_is_refused(
    reason: Callable[[Path, Path], str], saved: Path, other: Path, posthorn: Run
) -> None:
    sentence = reason(saved, other)
    before = tree(saved), tree(other)

    refused = posthorn("restore", str(saved), "--state", str(other))

    assert (refused.code, refused.out, refused.err) == (1, "", f"posthorn: {sentence}.\n")
    assert (tree(saved), tree(other)) == before


async def test_a_folder_of_somebody_else_is_refused(
    saved: Path, other: Path, posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_294_967_294)
    refused = posthorn("restore", str(saved), "--state", str(other))
    assert refused.code == 1
    assert refused.err == f"posthorn: {saved} belongs to another user.\n"


@pytest.mark.parametrize("reason", [_missing_segment, _garbled_body])
async def test_what_is_sound_is_restored_when_that_is_wished(
    reason: Callable[[Path, Path], str], saved: Path, other: Path, posthorn: Run
) -> None:
    reason(saved, other)
    assert posthorn("restore", str(saved), "--damaged", "--state", str(other)).code == 0
    faults = posthorn("check", "--state", str(other))
    assert faults.code == 1
