"""What stands against a dated backup is said in one sentence, noted, and damages nothing."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from chalicelib.adapters.crypto.keys import CryptographyKeyMaker
from chalicelib.adapters.sqlite.file_system import Room
from onehost.backups import take as taking
from onehost.storage.copying import to_itself
from tests.integration.onehost.dated_backups import DatedHost
from tests.kept_mail import fill, make_host

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def refused(dated: DatedHost, sentence: str, *words: str) -> None:
    """The run fails with this sentence alone, which is noted."""
    done = dated.run(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"posthorn: {sentence}.\n"
    assert dated.notes.failure == sentence


async def test_no_folder_is_set(dated: DatedHost) -> None:
    dated.settings["backup_folder"] = ""
    done = dated.run()
    assert (done.code, done.err) == (
        1,
        "posthorn: No folder for backups is set: name one as backup_folder in the settings file.\n",
    )


async def test_the_state_folder_and_what_is_in_it(dated: DatedHost) -> None:
    state = dated.host.folder
    for folder in (state, state / "bodies", state / "absent"):
        dated.settings["backup_folder"] = str(folder)
        refused(dated, f"{folder} lies in the state folder itself")
    link = dated.folder / "link"
    link.symlink_to(state)
    dated.settings["backup_folder"] = str(link)
    refused(dated, f"{link} lies in the state folder itself")


async def test_a_folder_that_is_not_there_is_not_made(dated: DatedHost) -> None:
    dated.folder.rmdir()
    refused(
        dated,
        f"There is no folder {dated.folder}: is its disk mounted? Nothing is made in its place",
    )
    assert not dated.folder.exists()


async def test_a_folder_that_is_empty_since_its_disk_is_not_mounted(dated: DatedHost) -> None:
    dated.made()
    mounted = dated.folder.rename(dated.folder.with_name("mounted"))
    dated.folder.mkdir(mode=0o700)
    refused(
        dated,
        f"{dated.folder} is empty, though backups were made there: is its disk mounted?"
        " `posthorn backups run --anew` begins anew",
    )
    assert list(dated.folder.iterdir()) == []
    dated.folder.rmdir()
    mounted.rename(dated.folder)
    dated.made()
    assert (len(dated.all), dated.notes.failure) == (2, "")


async def test_another_folder_and_beginning_anew(dated: DatedHost, tmp_path: Path) -> None:
    dated.made()
    shutil.rmtree(dated.folder)
    dated.folder.mkdir(mode=0o700)
    assert dated.run("--anew").code == 0
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    dated.settings["backup_folder"] = str(other)
    assert dated.run().code == 0
    assert dated.notes.folder == str(other)


async def test_a_folder_with_something_else_in_it(dated: DatedHost) -> None:
    (dated.folder / "letter.txt").write_text("Dear")
    refused(
        dated,
        f"{dated.folder} has letter.txt in it, which is no dated backup: name a folder of its own for"
        " them",
    )


async def test_a_folder_in_a_single_backup(dated: DatedHost, tmp_path: Path) -> None:
    single = tmp_path / "single"
    assert dated.posthorn("backup", str(single), "--state", str(dated.state)).code == 0
    inner = single / "daily"
    inner.mkdir(mode=0o700)
    dated.settings["backup_folder"] = str(inner)
    refused(dated, f"{inner} lies in the backup {single}, which would remove it")


async def test_a_single_backup_does_not_go_among_dated_ones(dated: DatedHost) -> None:
    dated.made()
    refusal = dated.posthorn("backup", str(dated.folder), "--state", str(dated.state))
    assert (
        refusal.err == f"posthorn: {dated.folder} is not empty, and what is in it is no backup.\n"
    )
    dated.restored(dated.all[0])


async def test_backups_of_another_installation(dated: DatedHost, tmp_path: Path) -> None:
    dated.made()
    dated.state = tmp_path / "another"
    await make_host(dated.state, CryptographyKeyMaker())
    refused(dated, f"{dated.folder} has the backups of another installation")
    assert (len(dated.all), dated.left()) == (1, set())


async def test_two_at_once(dated: DatedHost) -> None:
    with to_itself(dated.folder, "{}"):
        for words in (("run",), ("prove",)):
            done = dated.command("backups", *words)
            assert (done.code, done.err) == (
                1,
                f"posthorn: Another backup into {dated.folder} is running.\n",
            )
    assert dated.notes.failure == ""
    dated.made()


async def test_a_disk_without_room(dated: DatedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(dated.host)
    before = dated.made()
    with monkeypatch.context() as patch:
        patch.setattr(taking, "room_at", lambda _: Room(1 << 20, 100 << 20))
        done = dated.run()
    assert done.code == 1
    assert done.err.startswith(
        f"posthorn: There is no room for a backup in {dated.folder}: it takes"
    )
    assert done.err.count("\n") == 1
    assert ([one.path for one in dated.all], dated.left()) == ([before.path], set())
    assert dated.notes.failure in done.err


async def test_a_disk_that_gets_full_meanwhile(
    dated: DatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(dated.host)
    before = dated.made()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        refused(dated, f"There is no room left for a backup in {dated.folder}")
    assert ([one.path for one in dated.all], dated.left()) == ([before.path], set())
    dated.restored(dated.made())


async def test_settings_that_make_no_sense(dated: DatedHost) -> None:
    dated.settings["backup_keep"] = 0
    assert dated.run().err == "posthorn: POSTHORN_BACKUP_KEEP must be from 1 to 1000, not 0.\n"


async def test_notes_that_are_no_notes(dated: DatedHost) -> None:
    huge = '{"proven_at": 1%s}' % ("0" * 400)
    for content in (
        "[]",
        "5",
        '{"proven_at": "x"}',
        '{"doubted": 7}',
        huge,
        "[" * 100_000,
        "\\x00",
    ):
        (dated.host.folder / "backups.json").write_text(content)
        assert dated.notes.proven_at == 0
    for odd in ("null", "7", '"000001"', '{"a": 1}'):
        (dated.host.folder / "backups.json").write_text(f'{{"folder": "/x", "refused": {odd}}}')
        assert (dated.notes.folder, dated.notes.refused) == ("/x", ())
    dated.made()
    assert dated.notes.proven_at > 0
