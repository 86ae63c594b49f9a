"""A backup restored into an empty folder gives back what was stored, and holds what waited."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters.crypto.keys import CryptographyKeyMaker
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import State, Status
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.address_mac import AddressMac
from tests.integration.onehost.conftest import Run
from tests.kept_mail import Host, fill, make_host, opened


@pytest.fixture
async def host(state: Path) -> Host:
    return await make_host(state)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "saved"


@pytest.fixture
def other(tmp_path: Path, state: Path) -> Path:
    """An empty state folder with the key."""
    folder = tmp_path / "other"
    folder.mkdir(mode=0o700)
    return folder


def with_key(host: Host, other: Path) -> Path:
    shutil.copy2(host.folder / "key", other / "key")
    return other


def files_below(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}


async def test_everything_is_there_again(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    mail = await fill(host)

    taken = posthorn("backup", str(saved), "--state", str(host.folder))
    assert (taken.code, taken.err) == (0, "")
    assert f"keep a copy of {host.folder}/key in another place" in taken.out
    restored = posthorn("restore", str(saved), "--state", str(with_key(host, other)), "--json")
    assert restored.json["held"] == 3
    assert sorted(path.name for path in other.iterdir()) == [
        "bodies", "control.db", "key", "mail.db", "uploads",
    ]  # fmt: skip

    again = opened(other)
    server = host.server.id
    for name, message in mail.items():
        record = await again[MessageStore].get(server, message.id)
        assert await again[BlobStore].get(record.message.blob) == await host.body(message)
        assert record.state is (State.DONE if name == "done" else State.HELD)
        if name in ("waiting", "leased", "scheduled"):
            (told,) = record.deliveries
            assert re.fullmatch(
                r"Restored from a backup of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told.details
            )
            assert (record.status, record.attempt, record.lease_owner) == (Status.HELD, 1, "")
        else:
            assert record == await host.record(message)
    assert await again[Engagement].link(server, mail["done"].id, 1) == "https://a.test/"
    assert len(await again[Engagement].hits(server, mail["done"].id)) == 1
    assert (
        await again[IdempotencyKeys].begin(server, "once", "f", host.now)
    ).found is Claimed.REPLAY
    assert await again[SuppressionList].of(server, "gone@example.com", host.now)
    assert await again[AddressMac].key() == await host.posthorn[AddressMac].key()


async def test_what_is_held_is_sent_on_as_the_command_says(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    (message,) = await host.accept()
    posthorn("backup", str(saved), "--state", str(host.folder))
    restored = posthorn("restore", str(saved), "--state", str(with_key(host, other)))
    assert (
        "\n1 message that waited is held; `posthorn message release` sends it on.\n" in restored.out
    )
    await opened(other)[MessageActions].release(host.server.id, message.id)
    record = await opened(other)[MessageStore].get(host.server.id, message.id)
    assert record.state is State.WAITING


async def test_no_number_is_given_twice(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    await host.accept()
    posthorn("backup", str(saved), "--state", str(host.folder))
    lost = (await host.accept())[0].id
    posthorn("restore", str(saved), "--state", str(with_key(host, other)))

    again = opened(other)
    assert await again[Numbers].take(host.server.id, "message", 1) > [lost + 9_000]
    for kind in ("delivery", "report"):
        assert (await again[Numbers].take(host.server.id, kind, 1))[0] > 10_000
    assert await again[Repository].next_number("server") > host.server.id + 1


async def test_resend_sends_what_waits(host: Host, saved: Path, other: Path, posthorn: Run) -> None:
    mail = await fill(host)
    posthorn("backup", str(saved), "--state", str(host.folder))
    restored = posthorn("restore", str(saved), "--resend", "--state", str(with_key(host, other)))
    assert (restored.code, "held" in restored.out) == (0, False)

    again = Host(other, opened(other), host.server, host.principal, host.key)
    assert (await again.record(mail["waiting"])).state is State.WAITING
    assert (await again.lease(mail["waiting"])).taken_over is False
    assert (await again.lease(mail["leased"], "p-2-2")).taken_over is True


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """As of a shell, in which a program that a service manager starts is run by hand."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
async def test_nothing_is_readable_by_others_and_the_key_is_not_there(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    await fill(host)
    posthorn("backup", str(saved), "--state", str(host.folder))
    posthorn("restore", str(saved), "--state", str(with_key(host, other)))

    for folder in (host.folder, saved, other):
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}, folder
    assert set(files_below(saved).values()) == {0o600}
    secret = (host.folder / "key").read_bytes().strip()
    assert not any(secret in Path(file).read_bytes() for file in files_below(saved))


async def test_a_second_backup_copies_only_what_is_new(
    host: Host, saved: Path, posthorn: Run
) -> None:
    await host.accept()
    posthorn("backup", str(saved), "--state", str(host.folder))
    (segment,) = saved.glob("bodies/*/*.seg")
    before = segment.stat()
    databases = set(saved.glob("*.db"))

    message = (await host.accept())[0]
    ended = opened(host.folder)  # another process with a segment of its own
    await ended[BlobStore].put(host.server.id, [b"x"], host.now - 10 * 86_400)
    assert posthorn("backup", str(saved), "--state", str(host.folder)).code == 0

    after = segment.stat()
    assert (after.st_ino, after.st_size) == (
        before.st_ino,
        message.blob.offset + message.blob.length,
    )
    assert len(databases) == len(set(saved.glob("*.db")) - databases) == 2
    assert len(list(saved.glob("bodies/*/*.seg"))) == 2


async def test_bytes_that_the_state_folder_has_lost_stay_in_the_backup(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    (message,) = await host.accept()
    body = await host.body(message)
    posthorn("backup", str(saved), "--state", str(host.folder))
    for segment in host.folder.glob("bodies/*/*.seg"):
        segment.unlink()

    again = posthorn("backup", str(saved), "--state", str(host.folder), "--json")
    assert again.json["missing"] == []
    assert posthorn("restore", str(saved), "--state", str(with_key(host, other))).code == 0
    assert await opened(other)[BlobStore].get(message.blob) == body


async def test_bytes_that_nobody_has_are_named_and_the_rest_is_saved(
    host: Host, saved: Path, other: Path, posthorn: Run
) -> None:
    await host.accept()
    (segment,) = host.folder.glob("bodies/*/*.seg")
    segment.unlink()
    name = segment.relative_to(host.folder).as_posix()

    taken = posthorn("backup", str(saved), "--state", str(host.folder), "--json")
    assert (taken.code, taken.json["missing"]) == (0, [name])
    assert taken.err == f"{name} was missing already, with bodies of messages.\n"
    assert posthorn("restore", str(saved), "--state", str(with_key(host, other))).code == 0


async def test_a_backup_that_stops_leaves_the_one_before(
    host: Host, saved: Path, other: Path, posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message,) = await host.accept()
    posthorn("backup", str(saved), "--state", str(host.folder))
    await host.accept()
    with monkeypatch.context() as patch:
        patch.setattr("onehost.storage.backup.write_manifest", None)
        assert posthorn("backup", str(saved), "--state", str(host.folder)).code == 1

    assert posthorn("restore", str(saved), "--state", str(with_key(host, other))).code == 0
    again = Host(other, opened(other), host.server, host.principal, host.key)
    assert await again.body(message) == await host.body(message)


async def test_no_room_for_a_backup_is_one_sentence(
    host: Host, saved: Path, posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.accept()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    failed = posthorn("backup", str(saved), "--state", str(host.folder))
    assert (failed.code, failed.out) == (1, "")
    assert failed.err == f"posthorn: There is no room left for a backup in {saved}.\n"


async def test_a_disk_that_is_full_is_one_sentence(
    host: Host, saved: Path, other: Path, posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.accept()
    posthorn("backup", str(saved), "--state", str(host.folder))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/file")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for arguments in (
            ("backup", str(saved), "--state", str(host.folder)),
            ("restore", str(saved), "--state", str(with_key(host, other))),
        ):
            failed = posthorn(*arguments)
            assert (failed.code, failed.out) == (1, "")
            assert failed.err == "posthorn: /somewhere/file: no space left on device.\n"
    assert posthorn("restore", str(saved), "--state", str(other)).code == 0


async def test_backups_that_are_refused(
    host: Host, saved: Path, tmp_path: Path, posthorn: Run
) -> None:
    state = ("--state", str(host.folder))
    saved.mkdir()
    (saved / "letter.txt").write_text("Dear")
    assert posthorn("backup", str(saved), *state).err == (
        f"posthorn: {saved} is not empty, and what is in it is no backup.\n"
    )
    inside = host.folder / "saved"
    assert (
        posthorn("backup", str(inside), *state).err
        == f"posthorn: {inside} lies in the state folder itself.\n"
    )
    nothing = tmp_path / "nothing"
    refused = posthorn("backup", str(tmp_path / "b"), "--state", str(nothing))
    assert (refused.code, refused.err) == (
        1, f"posthorn: There is no installation in the state folder {nothing}.\n",
    )  # fmt: skip
    mine = tmp_path / "mine"
    assert posthorn("backup", str(mine), *state).code == 0
    await make_host(tmp_path / "another", CryptographyKeyMaker())
    foreign = posthorn("backup", str(mine), "--state", str(tmp_path / "another"))
    assert foreign.err == f"posthorn: {mine} has the backup of another installation.\n"
    assert sorted(path.suffix for path in mine.glob("*")) == [".db", ".db", ".json"]
    assert posthorn("restore", str(mine), "--state", str(host.folder)).code == 1


async def test_what_is_being_restored_does_not_serve(host: Host) -> None:
    (host.folder / "restoring").mkdir()
    with pytest.raises(PermanentFailure, match="has not come to its end: run it again"):
        opened(host.folder)[MessageStore]
