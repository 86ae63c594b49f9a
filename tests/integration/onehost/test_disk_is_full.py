"""A disk that is nearly full takes no more mail, and what waits is still delivered; with room again all goes on."""

from __future__ import annotations

import contextlib
import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dns_zone import DnsZone
from tests.one_host import OneHost
from tests.peers import SmtpPeer

MEBIBYTE = 1 << 20
DISK = 64 * MEBIBYTE
# Less than the twentieth part at which mail is refused, and enough to note what became of mail.
LEFT = 2 * MEBIBYTE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    with SmtpPeer().in_thread() as peer:
        yield peer


@pytest.fixture
def host(disk: Path, peer: SmtpPeer) -> Iterator[OneHost]:
    with DnsZone() as zone:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        with OneHost(disk, zone, peer) as host:
            yield host


def fill(disk: Path, left: int) -> Path:
    """Leave so many bytes."""
    facts = os.statvfs(disk)
    filler = disk / "filler"
    # The program writes meanwhile: then there is less room than was asked.
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        file.write(bytes(facts.f_bavail * facts.f_frsize - left))
    return filler


def test_mail_is_refused_for_now_and_what_waits_is_delivered(
    host: OneHost, disk: Path, peer: SmtpPeer
) -> None:
    peer.on("RCPT", "450 4.2.0 Greylisted")
    host.send("john@example.com", subject="Waits")
    host.until(lambda: "RCPT" in peer.commands)
    filler = fill(disk, LEFT)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            host.send("john@example.com", subject="Too much")
        assert refused.value.smtp_code == 452
        assert refused.value.smtp_error.startswith(b"4.3.1 ")
    peer.usual("RCPT")
    peer.wait_for_mails(1)
    host.until(lambda: host.read("SELECT status, state FROM messages") == [("Sent", "D")])
    host.until(lambda: host.read("SELECT count(*) FROM queue") == [(0,)])
    filler.unlink()
    host.send("john@example.com", subject="With room")
    assert [b"Subject: Waits\r\n" in peer.wait_for_mails(2)[0].content, len(peer.mails)] == [
        True,
        2,
    ]


def test_a_disk_without_any_room_loses_nothing_and_damages_nothing(
    host: OneHost, disk: Path, peer: SmtpPeer
) -> None:
    peer.on("RCPT", "450 4.2.0 Greylisted")
    host.send("john@example.com", subject="Waits")
    host.until(lambda: "RCPT" in peer.commands)
    filler = fill(disk, 0)
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        host.send("john@example.com", subject="Too much")
    assert refused.value.smtp_code // 100 == 4
    filler.unlink()
    peer.usual("RCPT")
    peer.wait_for_mails(1)
    host.until(lambda: host.read("SELECT status, state FROM messages") == [("Sent", "D")])
    assert host.read("PRAGMA integrity_check") == [("ok",)]
    assert host.stop() == 0
