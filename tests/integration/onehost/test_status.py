"""`posthorn status` reads the state folder alone, beside a server that runs or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from onehost.serving import serving
from onehost.storage.condition import condition
from tests.dns_zone import DnsZone
from tests.integration.onehost.conftest import Run
from tests.one_host import OneHost
from tests.peers import SmtpPeer

if TYPE_CHECKING:
    import apsw

T = 1_800_000_000.0


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
    rows = [(n, "new" if n % 2 else "delivery", T - 7_200 + n * 10) for n in range(1, 721) if n % 7]

    def add(db: apsw.Connection) -> None:
        statement = "INSERT INTO events(seq, key, kind, at, d_status) VALUES (?, 1, ?, ?, 'Sent')"
        db.executemany(statement, rows).fetchall()

    asyncio.run(program[MailDatabase].write(add))
    found = condition(state, T)
    late = [kind for _, kind, at in rows if at >= T - 3_600]
    assert found.accepted_last_hour == late.count("new")
    assert found.delivered_last_hour == late.count("delivery")
    assert condition(state, T + 86_400).accepted_last_hour == 0
    assert condition(state, T - 86_400).accepted_last_hour == 360 - len(range(7, 721, 14))


def test_what_is_due_later_waits_and_what_is_held_does_not(state: Path) -> None:
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")

    columns = (
        "SELECT name, type FROM pragma_table_info('messages') WHERE \"notnull\" AND name != 'key'"
    )

    def add(db: apsw.Connection) -> None:
        for key, (flag, due) in enumerate(
            [("queued", 5), ("held", 6), ("held", None), (None, None)]
        ):
            values = {name: "x" if kind == "TEXT" else 1 for name, kind in fetched(db, columns)}
            values |= {
                "key": key,
                "pool": "bulk",
                "flag": flag,
                "due_at": due,
                "received_at": T - 50,
            }
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            statement = f"INSERT INTO messages({names}) VALUES ({marks})"  # noqa: S608  # constants
            fetched(db, statement, tuple(values.values()))

    asyncio.run(program[MailDatabase].write(add))
    found = condition(state, T)
    (pool,) = found.waiting
    assert (pool.pool, pool.messages, pool.oldest) == ("bulk", 1, T - 50)
    assert found.held == 2
    assert found.oldest == T - 50


@pytest.mark.parametrize("what", ["nothing", "letters"])
def test_what_cannot_be_read_is_one_sentence(posthorn: Run, state: Path, what: str) -> None:
    if what == "letters":
        state.mkdir()
        (state / "mail.db").write_text("no database" * 500)
    outcome = posthorn("status", "--state", str(state))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("posthorn: ")
    assert outcome.err.count("\n") == 1


def test_no_state_folder_is_named(posthorn: Run) -> None:
    outcome = posthorn("status")
    assert outcome.code == 1
    assert "No state folder is named" in outcome.err


def test_a_fresh_folder_has_nothing(posthorn: Run, state: Path) -> None:
    assert Posthorn(Settings(state_folder=str(state)), "sqlite")[MailDatabase]
    found = posthorn("status", "--state", str(state), "--json").json
    assert (found["waiting"], found["held"], found["oldest"]) == ([], 0, None)
    assert found["last_hour"] == {"accepted": 0, "delivered": 0}
    assert found["bytes"]["total"] > found["bytes"]["databases"] > 0
