"""`posthorn status` reads the state folder alone, beside a server that runs or without one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import Addition, Count, slots_of
from chalicelib.ports.statistics import Statistics
from onehost.serving import serving
from onehost.storage.condition import condition
from tests.dns_zone import DnsZone
from tests.integration.onehost.conftest import Run
from tests.integration.onehost.dated_backups import DatedHost
from tests.one_host import OneHost
from tests.peers import SmtpPeer

if TYPE_CHECKING:
    import apsw

T = 1_800_000_000.0


async def test_it_tells_how_backups_stand(dated: DatedHost, tmp_path: Path) -> None:
    assert dated.command("status", "--json").json["backup"] == {
        "began_at": None, "folder": None, "tried_at": None, "failure": None, "hooked_at": None,
        "hook_failure": None, "proven_at": None, "proof_failure": None,
    }  # fmt: skip
    assert "Last backup   none\n" in dated.command("status").out
    dated.settings["backup_hook"] = "/bin/true"
    dated.made()
    told = dated.command("status", "--json").json["backup"]
    assert told["folder"] == str(dated.folder)
    assert None not in (told["began_at"], told["tried_at"], told["hooked_at"], told["proven_at"])
    assert {told["failure"], told["hook_failure"], told["proof_failure"]} == {None}
    assert re.search(
        r"Last backup   \d+ s ago, proven \d+ s ago, taken away \d+ s ago\n",
        dated.command("status").out,
    )
    dated.settings["backup_hook"] = "/bin/false"
    assert dated.run().code == 1
    assert "The hook /bin/false ended with 1" in dated.command("status").out
    assert "ended with 1" in dated.command("status", "--json").json["backup"]["hook_failure"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[OneHost]:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        peer.on("RCPT", lambda line: "450 4.2.0 Later" if b"later" in line else None)
        with OneHost(tmp_path, zone, peer) as host:
            yield host


def test_beside_a_server(host: OneHost, posthorn: Run) -> None:
    for name in ("john", "jane", "later"):
        host.send(f"{name}@example.com")

    def status() -> dict[str, object]:
        outcome = posthorn("status", "--state", str(host.folder), "--json")
        assert outcome.code == 0, outcome.err
        found: dict[str, object] = outcome.json
        return found

    host.until(lambda: status()["last_hour"] == {"accepted": 3, "delivered": 2})
    assert status()["jobs"] == 0
    found = status()
    assert host.supervisor is not None
    assert (found["serving"], found["pid"]) == (True, host.supervisor.pid)
    assert found["processes"] == host.processes()
    assert isinstance(found["uptime"], int)
    (waiting,) = found["waiting"]  # type: ignore[misc]  # a list of one
    assert (waiting["pool"], waiting["messages"]) == ("default", 1)
    assert found["oldest"] == waiting["oldest"] is not None
    text = posthorn("status", "--state", str(host.folder)).out
    assert "Serving       yes, process" in text
    assert "3 accepted, 2 delivered" in text
    assert "default  1" in text
    host.stop()
    assert (status()["serving"], status()["pid"]) == (False, None)
    assert "Serving       no" in posthorn("status", "--state", str(host.folder)).out


def test_a_killed_supervisor_does_not_serve(host: OneHost) -> None:
    assert serving(host.folder) is not None
    assert host.supervisor is not None
    host.supervisor.kill()
    host.supervisor.wait()
    assert serving(host.folder) is None


def test_the_last_hour_is_found_in_a_long_log(state: Path) -> None:
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")
    times = [T - 7_200 + n * 10 for n in range(1, 721) if n % 7]
    rows = [(number, at) for number, at in enumerate(times, 1)]

    def add(db: apsw.Connection) -> None:
        statement = (
            "INSERT INTO events(seq, key, kind, at, d_status) VALUES (?, 1, 'delivery', ?, 'Sent')"
        )
        db.executemany(statement, rows).fetchall()

    asyncio.run(program[MailDatabase].write(add))
    late = [at for at in times if at >= T - 3_600]
    assert condition(state, T).delivered_last_hour == len(late)
    assert condition(state, T + 86_400).delivered_last_hour == 0
    assert condition(state, T - 86_400).delivered_last_hour == len(times)


def test_what_was_accepted_is_told_after_the_log_has_forgotten_it(state: Path) -> None:
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")
    for minutes, count in ((90, Count.OUTGOING), (50, Count.OUTGOING), (1, Count.INCOMING)):
        for slot in slots_of(ServerId(1), T - minutes * 60):
            added = [Addition(f"{minutes}", {count: minutes})]
            asyncio.run(program[Statistics].add("a", slot, added))
    assert condition(state, T).accepted_last_hour == 51
