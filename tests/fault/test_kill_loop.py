"""Three processes and their supervisor are killed again and again while clients submit without pause and the receiving
server is in a bad mood: what was promised arrives, and what arrives twice was in the hands of one that was killed.

`KILL_ROUNDS` sets how many rounds there are, `KILL_SEED` which.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import Scope
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.dns_zone import DnsZone
from tests.fault.submitters import Ledger, Submitter, body_of, name_of, submitting
from tests.fault.victims import kill
from tests.one_host import TICK, OneHost
from tests.patience import PATIENCE
from tests.peers import DROP, Action, SmtpPeer

ROUNDS = int(os.environ.get("KILL_ROUNDS", "50"))
SEED = os.environ.get("KILL_SEED", "1")
PROCESSES = 3
CLIENTS = 4
MOST_MESSAGES_A_ROUND = 80
GREYLISTED, DROPPED = 0.05, 0.03
# As often as a message may be refused, dropped and killed; it must not be given up for that.
PATIENT = ServerOptions(retry_schedule="1s*100")
SETTLED = "SELECT subject FROM messages WHERE state = 'D'"
QUEUED = "SELECT count(*) FROM queue"
# A job that was queued twice, because its first one might have been lost, and taken while the other had the lease, is
# hidden as long as that may last: it has nothing more to do, and goes when the clock is moved.
TO_DO = """
SELECT count(*) FROM messages WHERE state = 'L' OR EXISTS (
  SELECT 1 FROM queue WHERE queue.key = messages.key AND queue.attempt = messages.attempt AND messages.state != 'D')"""
OPEN = "SELECT count(*) FROM messages WHERE state != 'D'"
# Who lost the reply to the final dot waits longer than a queue can hold a job.
LONGER_THAN_A_LOST_REPLY_WAITS = 50_000


@dataclass
class Chronicle:
    """What the killer did and saw."""

    random: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    ports: set[int] = field(default_factory=set)
    settled: dict[str, int] = field(default_factory=dict)
    """How many mails had come when a message was first seen to be settled."""

    def of_peer(self, stage: str) -> Action | None:
        """What the receiving server does instead of taking a message."""
        dice = self.random.random()
        if stage == "RCPT":
            return "450 4.2.0 Greylisted" if dice < GREYLISTED else None
        return DROP if dice < DROPPED else None


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    # Without STARTTLS: what TLS costs is better spent on messages.
    with SmtpPeer(keywords=("PIPELINING", "8BITMIME", "SIZE 52428800")).in_thread() as peer:
        yield peer


@pytest.fixture
def host(tmp_path: Path, peer: SmtpPeer) -> Iterator[OneHost]:
    with DnsZone() as zone:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        clock = tmp_path / "clock"
        host = OneHost(tmp_path, zone, peer, PROCESSES=PROCESSES, DELIVERIES=20, CLOCK_FILE=clock)
        asyncio.run(host.program[Servers].update(host.server, PATIENT))
        let_go(host.program)
        with host:
            yield host


def test_what_was_promised_arrives_whoever_is_killed(host: OneHost, peer: SmtpPeer) -> None:
    chronicle, ledger = Chronicle(random.Random(SEED)), Ledger()
    for stage in ("RCPT", "."):
        peer.on(stage, lambda _, stage=stage: chronicle.of_peer(stage))  # type: ignore[misc]
    clients = [Submitter(f"c{n}", lambda: signed_in(host), ledger, SEED) for n in range(CLIENTS)]
    with submitting(clients):
        for _ in range(ROUNDS):
            until_more(ledger, chronicle.random.randint(1, MOST_MESSAGES_A_ROUND), host)
            strike(host, peer, chronicle)
    peer.usual("RCPT").usual(".")
    until_none(host, TO_DO)
    (host.folder.parent / "clock").write_text(str(LONGER_THAN_A_LOST_REPLY_WAITS))
    until_none(host, OPEN)
    until_none(host, QUEUED)
    assert host.stop() == 0
    check_what_came(chronicle, ledger, peer)
    check_what_is_kept(host, ledger)


def signed_in(host: OneHost):  # type: ignore[no-untyped-def]
    """A connection of a client."""
    client = host.client()
    client.login("acme/app", host.key)
    return client


def strike(host: OneHost, peer: SmtpPeer, chronicle: Chronicle) -> None:
    """Kill somebody, and start again what nobody else starts."""
    for (name,) in read(host, SETTLED):
        chronicle.settled.setdefault(name, len(peer.mails))
    whom = chronicle.random.choices(("one", "all", "supervisor", "everybody"), (70, 10, 10, 10))[0]
    chronicle.kills[whom] += 1
    children = host.processes()
    assert host.supervisor is not None
    if whom == "one":
        if children:
            chronicle.ports |= kill([chronicle.random.choice(children)])
    elif whom == "all":
        chronicle.ports |= kill(children)
    elif whom == "supervisor":
        # Those who are left finish what they have in hand, and go.
        kill([host.supervisor.pid])
        host.supervisor.wait(PATIENCE)
        host.until(lambda: not any(is_running(child) for child in children))
        host.start()
    else:
        chronicle.ports |= kill([host.supervisor.pid, *children])
        host.supervisor.wait(PATIENCE)
        host.start()


def is_running(process: int) -> bool:
    """Whether it has not ended."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def until_more(ledger: Ledger, count: int, host: OneHost) -> None:
    """Until so many more messages were promised."""
    goal = len(ledger.promised) + count
    host.until(lambda: len(ledger.promised) >= goal)


def until_none(host: OneHost, statement: str) -> None:
    """Until there are none of these, as long as they get fewer."""
    left, since = -1, time.monotonic()
    while left:
        ((now,),) = read(host, statement)
        if now != left:
            left, since = int(now), time.monotonic()
        assert time.monotonic() - since < PATIENCE, host.log.read_text()[-5_000:]
        time.sleep(TICK)


def read(host: OneHost, statement: str) -> list[tuple[str]]:
    """Rows of mail.db, read through a connection that nobody keeps: else no start would find a log left behind."""
    db = apsw.Connection(str(host.folder / "mail.db"), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(int(PATIENCE * 1000))
    try:
        return fetched(db, statement)
    finally:
        db.close()


def let_go(program: Posthorn) -> None:
    """Close the connections of this process."""
    for kind in (MailDatabase, ControlDatabase):
        program[kind]._writer.close()
        if hasattr(program[kind]._readers, "connection"):
            program[kind]._readers.connection.close()


def check_what_came(chronicle: Chronicle, ledger: Ledger, peer: SmtpPeer) -> None:
    """Nothing is lost, nothing is changed, and a copy needs a kill between the final dot and the settling write."""
    arrivals: dict[str, list[int]] = {}
    for number, mail in enumerate(peer.mails):
        name = name_of(mail.content)
        arrivals.setdefault(name, []).append(number)
        assert body_of(mail.content) == ledger.submitted[name]
    assert ledger.promised - arrivals.keys() == set()
    copied = {name: numbers for name, numbers in arrivals.items() if len(numbers) > 1}
    # Whose a connection was that the peer closed, after the mail and before the kill, nobody can see any more.
    gone = {each.client[1] for each in peer.connections if each.dropped}
    for name, numbers in copied.items():
        for before in numbers[:-1]:
            assert peer.mails[before].client[1] in chronicle.ports | gone, f"seed {SEED}: {name}"
        assert numbers[-1] <= chronicle.settled.get(name, numbers[-1]), f"seed {SEED}: {name}"
    print(
        f"seed {SEED}: {dict(chronicle.kills)} kills; {len(ledger.submitted)} submitted,"
        f" {len(ledger.promised)} promised, {ledger.refused} connections broken,"
        f" {len(peer.mails)} mails came, {len(peer.mails) - len(arrivals)} of them copies"
    )


def check_what_is_kept(host: OneHost, ledger: Ledger) -> None:
    """The databases are sound, every message is there and was sent, every body can be read, nobody waits for
    anything."""
    for name in ("mail.db", "control.db"):
        db = apsw.Connection(str(host.folder / name))
        assert fetched(db, "PRAGMA integrity_check") == [("ok",)]
        db.close()
    program = Posthorn(Settings(state_folder=str(host.folder)), "sqlite")

    async def check() -> None:
        page = await program[MessageStore].page(host.server.id, Scope.OUTGOING, 1_000_000)
        names = Counter(record.message.subject for record in page.values)
        assert ledger.promised - names.keys() == set()
        assert max(names.values()) == 1
        for record in page.values:
            assert (record.status.value, record.state.value) == ("Sent", "D")
            assert record.lease_owner == ""
            body = await program[BlobStore].get(record.message.blob)
            assert body_of(body) == ledger.submitted[record.message.subject]

    asyncio.run(check())
    assert program[MailDatabase].read(lambda db: fetched(db, "SELECT * FROM queue")) == []
    let_go(program)
