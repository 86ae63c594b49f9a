"""A backup is proven by restoring it beside the others; what is wrong with it is said, and the next one mends it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite import file_system
from chalicelib.adapters.sqlite.file_system import Room
from onehost.backups import take as taking
from tests.ended_segments import OTHER, SECRET, segment_of, two_messages, words
from tests.integration.onehost.dated_backups import DatedHost
from tests.kept_mail import fill

DAY = 86_400


async def test_the_first_is_proven_and_then_each_week(dated: DatedHost, tmp_path: Path) -> None:
    await fill(dated.host)
    clock = tmp_path / "clock"
    dated.settings["clock_file"] = str(clock)
    proven = []
    for day in range(16):
        clock.write_text(str(day * DAY + day % 3 * 60))
        done = dated.run()
        assert done.code == 0, done.err
        proven.append("was restored, and is sound" in done.out)
        assert dated.left() == set()
    assert [day for day, one in enumerate(proven) if one] == [0, 7, 14]


async def test_by_hand(dated: DatedHost) -> None:
    nothing = dated.command("backups", "prove")
    assert (nothing.code, nothing.err) == (1, f"posthorn: There is no backup in {dated.folder}.\n")
    name, before = dated.made().path.name, dated.notes.proven_at
    done = dated.command("backups", "prove")
    assert (done.code, done.out) == (0, f"The backup {name} was restored, and is sound.\n")
    assert dated.notes.proven_at > before


def rot(path: Path, at: int = 60) -> None:
    """A bit that is not as it was, and nobody wrote to the file."""
    content, times = bytearray(path.read_bytes()), path.stat()
    content[at] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


NOT_GOOD = "not good, as a proof found"


def listed(dated: DatedHost) -> list[tuple[bool, str]]:
    """Whether each backup is good, and the words of the list."""
    lines = dated.command("backups", "list").out.splitlines()[1:]
    told = dated.command("backups", "list", "--json").json
    return [
        (one["good"], " ".join(line.split()[1:])) for one, line in zip(told, lines, strict=True)
    ]


async def test_a_rotten_bit_is_told_of_and_the_next_backup_is_sound(dated: DatedHost) -> None:
    await two_messages(dated.host)
    dated.made()
    broken = dated.made()
    assert segment_of(broken.path).stat().st_nlink == 2
    rot(segment_of(broken.path))
    failed = dated.command("backups", "prove")
    assert failed.code == 1
    assert failed.err.startswith(f"posthorn: The backup in {broken.path} is damaged: Message 1/")
    assert failed.err.count("\n") == 1
    assert dated.notes.doubted == (segment_of(broken.path).relative_to(broken.path).as_posix(),)
    assert listed(dated) == [(False, NOT_GOOD)] * 2  # the file is of both
    mended = dated.made()  # which proves, too, since the last proof failed
    assert segment_of(mended.path).stat().st_nlink == 1
    notes = dated.notes
    assert notes.proven == mended.path.name
    assert not notes.doubted
    assert notes.proof_failure == ""
    assert listed(dated) == [*[(False, NOT_GOOD)] * 2, (True, "proven")]
    told = dated.command("backups", "list", "--json").json
    assert [one["proven"] for one in told] == [False, False, True]
    again = dated.made()
    assert segment_of(again.path).stat().st_nlink == 2
    assert words(again.path) == {SECRET, OTHER}


async def test_the_last_proven_one_stays_while_none_is_sound(dated: DatedHost) -> None:
    dated.settings["backup_keep"] = 1
    _, stays = await two_messages(dated.host)
    sound = dated.made()
    for folder in (dated.host.folder, dated.made().path):
        rot(segment_of(folder), stays.blob.offset + 5)
    assert dated.command("backups", "prove").code == 1
    for _ in range(2):
        assert dated.run().code == 1
    assert sound.path not in {one.path for one in dated.all}  # it went while all was well
    kept = dated.notes.proven
    assert kept == sound.path.name


def _without(pattern: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (one,) = folder.glob(pattern)
        one.unlink()

    return damage


def _changed(pattern: str, at: int = 60) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for one in folder.glob(pattern):
            rot(one, at)

    return damage


def _with_manifest(folder: Path, version: int) -> None:
    (folder / "manifest.json").write_text(json.dumps({"version": version}))


def _cut(folder: Path) -> None:
    segment = segment_of(folder)
    segment.write_bytes(segment.read_bytes()[:60])


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no database": (_without("mail-*.db"), "is not as it was written"),
    "a rotten database": (_changed("control-*.db", 5_000), "is not as it was written"),
    "no bodies": (_without("bodies/20200101/*.seg"), "is missing or too short"),
    "rotten bodies": (_changed("bodies/20200101/*.seg"), "Message 1/"),
    "bodies cut off": (_cut, "is missing or too short"),
    "no manifest any more": (
        lambda folder: _with_manifest(folder, 1),
        "is no manifest",
    ),
    "one of a newer release": (
        lambda folder: _with_manifest(folder, 9),
        "was taken by a newer release",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_found(dated: DatedHost, name: str) -> None:
    await two_messages(dated.host)
    dated.made()
    damage, sentence = FAULTS[name]
    damage(dated.all[0].path)
    done = dated.command("backups", "prove")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert sentence in done.err
    assert done.err == f"posthorn: {dated.notes.proof_failure}.\n"
    assert dated.left() == set()
    dated.made()


async def test_without_the_key_nothing_is_proven(dated: DatedHost) -> None:
    dated.made()
    key = dated.host.folder / "key"
    key.rename(key.with_name("lock"))
    done = dated.command("backups", "prove")
    assert done.code == 1
    assert done.err.startswith(f"posthorn: Put the key file of the installation at {key} first")
    key.write_text("ab" * 32)
    key.chmod(0o600)
    assert "is not the key of this backup" in dated.command("backups", "prove").err
    key.with_name("lock").rename(key)
    assert listed(dated) == [(True, "proven")]  # nothing was found of the backup itself


async def test_the_key_as_a_credential(
    dated: DatedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated.made()
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    shutil.move(dated.host.folder / "key", credentials / "key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert dated.command("backups", "prove").code == 0
    secret = (credentials / "key").read_bytes().strip()
    assert not any(secret in path.read_bytes() for path in dated.folder.rglob("*.*"))


async def test_what_a_killed_proof_left_goes(dated: DatedHost) -> None:
    dated.made()
    for name in ("proving", "making", "removing"):
        (dated.folder / name / "bodies").mkdir(parents=True)
        (dated.folder / name / "mail.db").write_text("half")
    dated.made()
    assert dated.left() == set()


async def test_another_folder_for_the_proof(dated: DatedHost, tmp_path: Path) -> None:
    place = tmp_path / "place"
    dated.settings["backup_proof_folder"] = str(place)
    done = dated.run()
    assert (done.code, done.err) == (1, f"posthorn: There is no folder {place} to restore into.\n")
    place.mkdir(mode=0o700)
    dated.made()
    assert list(place.iterdir()) == []


async def test_no_room_to_restore(dated: DatedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    dated.made()
    monkeypatch.setattr(taking, "room_at", lambda _: Room(1, 1 << 30))
    done = dated.command("backups", "prove")
    assert done.err.startswith(f"posthorn: There is no room for a trial restore in {dated.folder}:")


async def test_a_disk_of_another_machine(dated: DatedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    dated.made()
    nfs = 0x6969
    monkeypatch.setattr(file_system, "kind_of", lambda path: nfs if path == dated.folder else 0)
    assert dated.command("backups", "prove").err == (
        f"posthorn: {dated.folder} lies on a network file system (NFS), where databases cannot be tried: name a"
        " folder of this machine as backup_proof_folder.\n"
    )
