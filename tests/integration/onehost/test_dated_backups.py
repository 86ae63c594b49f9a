"""Dated backups stand in one folder, share what nobody changed, and go when there are enough of them."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from tests.ended_segments import OTHER, SECRET, erase, segment_of, two_messages, words
from tests.integration.onehost.dated_backups import DatedHost
from tests.kept_mail import Host, fill

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_each_can_be_restored_and_only_so_many_stay(dated: DatedHost) -> None:
    dated.settings["backup_keep"] = 2
    mail, there = await fill(dated.host), []
    for _ in range(4):
        there.append(dated.made().path.name)
        await dated.host.accept()
    assert [one.path.name for one in dated.all] == there[-2:]
    assert all(re.fullmatch(r"00000\d-\d{8}T\d{6}Z", name) for name in there)
    assert dated.left() == set()
    for one in dated.all:
        again = dated.restored(one)
        for message in mail.values():
            record = await again[MessageStore].get(message.server_id, message.id)
            body = await again[BlobStore].get(record.message.blob)
            assert body == await dated.host.body(message)


async def test_what_nobody_changed_is_there_once(dated: DatedHost) -> None:
    await two_messages(dated.host)
    await dated.host.accept()
    first, second = dated.made(), dated.made()
    shared = segment_of(second.path).stat()
    assert (shared.st_ino, shared.st_nlink) == (segment_of(first.path).stat().st_ino, 2)
    assert shared.st_ino != segment_of(dated.host.folder).stat().st_ino
    (growing,) = set(second.path.glob("bodies/*/*.seg")) - {segment_of(second.path)}
    assert growing.stat().st_nlink == 1
    assert {one.stat().st_nlink for one in second.path.glob("*.db")} == {1}
    names = {path.name for path in (first.path, second.path)}
    assert len(names) == 2


async def test_a_file_that_grows_is_never_shared(dated: DatedHost) -> None:
    await dated.host.accept()
    first = dated.made()
    (growing,) = first.path.glob("bodies/*/*.seg")
    before = growing.read_bytes()
    await dated.host.accept()
    second = dated.made()
    assert growing.read_bytes() == before
    (grown,) = second.path.glob("bodies/*/*.seg")
    assert grown.read_bytes().startswith(before)
    assert len(grown.read_bytes()) > len(before)


async def test_what_is_erased_goes_with_the_backups_that_had_it(dated: DatedHost) -> None:
    dated.settings["backup_keep"] = 2
    erased, _ = await two_messages(dated.host)
    first = dated.made()
    erase(dated.host, erased)
    second = dated.made()
    assert words(first.path) == {SECRET, OTHER}
    assert words(second.path) == {OTHER}
    dated.restored(first)
    dated.restored(second)
    dated.made()
    content = b"".join(path.read_bytes() for path in dated.folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in content
    assert OTHER.encode() in content


async def test_what_the_state_folder_has_lost_stays_in_the_next_one(dated: DatedHost) -> None:
    _, stays = await two_messages(dated.host)
    dated.made()
    segment_of(dated.host.folder).unlink()
    again = dated.restored(dated.made())
    host = Host(dated.host.folder, again, dated.host.server, dated.host.principal, dated.host.key)
    assert OTHER.encode() in await host.body(stays)


async def test_one_that_lacks_bodies_is_told_of_and_no_good_one_goes_for_it(
    dated: DatedHost,
) -> None:
    dated.settings["backup_keep"] = 1
    good = dated.made()
    await two_messages(dated.host)
    segment_of(dated.host.folder).unlink()
    for _ in range(2):
        failed = dated.run()
        assert failed.code == 1
        assert "Bodies of messages were missing already, in 1 files" in failed.err
        assert [one.is_good for one in dated.all] == [True, False]
    assert dated.all[0].path == good.path
    assert "missing already" in dated.notes.failure
    listed = dated.command("backups", "list", "--json").json
    assert [(one["good"], one["proven"]) for one in listed] == [(True, True), (False, False)]
    assert "lacks bodies" in dated.command("backups", "list").out


async def test_a_file_system_without_links_gets_copies(
    dated: DatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_messages(dated.host)
    first = dated.made()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    second = dated.made()
    assert {segment_of(one.path).stat().st_nlink for one in (first, second)} == {1}
    assert words(second.path) == {SECRET, OTHER}


async def test_a_clock_that_was_set_back_puts_nothing_in_front(
    dated: DatedHost, tmp_path: Path
) -> None:
    dated.settings["backup_keep"] = 2
    clock = tmp_path / "clock"
    dated.settings["clock_file"] = str(clock)
    names = []
    for day in (20, 21, 3, 4):
        clock.write_text(str(day * 86_400))
        done = dated.run("--json")
        assert done.code == 0, done.err
        told = "posthorn: The clock was set back: the backup before began later than it is now.\n"
        assert done.err == (told if day == 3 else "")
        names.append(done.json["backup"])
        assert bool(done.json["proven"]) is (day in (20, 3))  # no proof lies ahead
    assert [one.path.name for one in dated.all] == names[-2:]
    assert names == sorted(names)
    for one in dated.all:
        dated.restored(one)


async def test_a_restored_installation_goes_on_in_the_same_folder(dated: DatedHost) -> None:
    await fill(dated.host)
    dated.restored(dated.made())
    dated.state = dated.folder.parent / "restored"
    first, second = dated.made().path, dated.all[0].path
    assert (first.name[:6], second.name[:6]) == ("000002", "000001")
    assert dated.notes.folder == str(dated.folder)


async def test_a_manifest_that_cannot_be_read_is_passed_over(dated: DatedHost) -> None:
    await two_messages(dated.host)
    first, second = dated.made(), dated.made()
    (second.path / "manifest.json").write_text("{}")
    third = dated.made()
    assert segment_of(third.path).stat().st_ino == segment_of(first.path).stat().st_ino
    assert "cannot be read" in dated.command("backups", "list").out
    dated.restored(third)


async def test_a_further_backup_into_a_dated_one_changes_no_other(dated: DatedHost) -> None:
    await two_messages(dated.host)
    first, second = dated.made(), dated.made()
    before = segment_of(first.path).read_bytes()
    with segment_of(dated.host.folder).open("ab") as file:
        file.write(b"more")
    os.utime(segment_of(dated.host.folder))
    target = ("backup", str(second.path), "--state", str(dated.host.folder))
    assert dated.posthorn(*target).code == 0
    assert segment_of(first.path).read_bytes() == before
    shutil.rmtree(second.path)
    dated.restored(first)
