"""Mail goes in at one end of `posthorn serve` and out at the other, whoever is killed in between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.model import Scope
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Count
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.statistics import ServerStatistics
from tests.dns_zone import DnsZone
from tests.loopback import free_port
from tests.one_host import SERVE, OneHost
from tests.patience import PATIENCE
from tests.peers import STALL, SmtpPeer


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone() as zone:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        yield zone


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    with SmtpPeer().in_thread() as peer:
        yield peer


@pytest.fixture
def host(tmp_path: Path, zone: DnsZone, peer: SmtpPeer) -> Iterator[OneHost]:
    with OneHost(tmp_path, zone, peer) as host:
        yield host


def statuses(host: OneHost) -> list[str]:
    page = asyncio.run(host.program[MessageStore].page(host.server.id, Scope.OUTGOING, 100))
    return [record.status.value for record in page.values]


def test_a_message_is_taken_delivered_and_counted(host: OneHost, peer: SmtpPeer) -> None:
    host.send("john@example.com", subject="One host")
    (mail,) = peer.wait_for_mails(1)
    assert b"Subject: One host\r\n" in mail.content
    assert b"DKIM-Signature: " in mail.content
    host.until(lambda: statuses(host) == ["Sent"])
    # The job goes when the outcome is stored.
    host.until(lambda: host.read("SELECT count(*) FROM queue") == [(0,)])

    def sent() -> int:
        read = host.program[ServerStatistics].chart([host.server.id], Period.MINUTE, None, None)
        return asyncio.run(read).totals.get(Count.SENT, 0)

    host.until(lambda: sent() == 1)
    assert host.stop() == 0


def test_what_a_killed_process_had_in_hand_is_done_at_once_by_the_next(
    host: OneHost, peer: SmtpPeer
) -> None:
    peer.once("MAIL", STALL)
    host.send("john@example.com")
    host.until(lambda: "MAIL" in peer.commands)
    killed = host.kill_processes()
    # The lease would last for minutes.
    peer.wait_for_mails(1)
    host.until(lambda: statuses(host) == ["Sent"])
    assert killed != host.processes()


def test_clients_wait_while_a_process_is_started_again(host: OneHost, peer: SmtpPeer) -> None:
    host.kill_processes()
    host.send("john@example.com")
    peer.wait_for_mails(1)


def test_a_stop_finishes_what_is_in_hand_and_a_start_goes_on(host: OneHost, peer: SmtpPeer) -> None:
    peer.once("RCPT", "450 4.2.0 Greylisted")
    host.send("john@example.com")
    host.until(lambda: statuses(host) == ["SoftFail"])
    assert host.stop() == 0
    host.start()
    peer.wait_for_mails(1)
    host.until(lambda: statuses(host) == ["Sent"])


def test_a_job_that_nobody_can_read_stays_and_mail_goes_on(host: OneHost, peer: SmtpPeer) -> None:
    poison = (
        "INSERT INTO queue(pool, visible_at, key, attempt, manual, body)"
        " VALUES ('default', 0, 1, 0, 0, '{\"kind\": \"of a newer release\"}')"
    )
    asyncio.run(host.program[MailDatabase].write(lambda db: fetched(db, poison)))
    served = host.processes()
    host.send("john@example.com")
    peer.wait_for_mails(1)
    host.until(lambda: host.read("SELECT receives FROM queue") == [(1,)])
    assert host.processes() == served
    assert host.stop() == 0


def test_a_folder_is_served_once(host: OneHost) -> None:
    second = subprocess.run(
        [sys.executable, "-c", SERVE],
        env=host.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert second.returncode != 0
    assert f"is served already, by process {host.supervisor.pid}" in second.stderr  # type: ignore[union-attr]
    host.send("john@example.com")


def test_health_and_metrics_are_told_on_loopback(
    tmp_path: Path, zone: DnsZone, peer: SmtpPeer
) -> None:
    port = free_port()
    with OneHost(tmp_path, zone, peer, HEALTH_PORT=port) as host:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE) as answer:
            assert answer.status == 200
        host.send("john@example.com")
        peer.wait_for_mails(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as told:
            assert b"posthorn_" in told.read()
