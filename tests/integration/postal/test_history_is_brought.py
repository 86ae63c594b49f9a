"""Messages of Postal as they were: bytes, log, hits, counters; held and waiting ones; and what became of them since."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.errors import NotFound, PermanentFailure
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.periods import Period
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.statistics import Statistics
from chalicelib.services.queue.message_actions import MessageActions
from tests.integration.postal.conftest import Here
from tests.mariadb import Postal, Tables


async def record(here: Here, number: int) -> MessageRecord:
    server = await here.server()
    return await here.posthorn[MessageStore].get(server.id, MessageId(number))


async def listed(here: Here) -> set[int]:
    server, found = await here.server(), set[int]()
    for scope in Scope:
        page = await here.posthorn[MessageStore].page(server.id, scope, 100)
        found |= {one.message.id for one in page.values}
    return found


def raw(rows: dict[str, Tables], number: int) -> bytes:
    """As it lies in Postal."""
    tables = rows["server"]
    (message,) = (one for one in tables["messages"]["rows"] if one["id"] == number)
    data = {one["id"]: one["data"] for one in tables[message["raw_table"]]["rows"]}
    parts = (base64.b64decode(data[message[f"raw_{name}_id"]]) for name in ("headers", "body"))
    return b"\r\n\r\n".join(parts)


async def test_messages_come_with_their_bytes(
    here: Here, postal: Postal, rows: dict[str, Tables]
) -> None:
    report = await here.bring(postal, history=True)
    assert report.counts["messages"] == {"new": 9}
    assert report.counts["messages that wait in Postal"] == {"left": 1}
    assert await listed(here) == {93, 94, 95, 97, 99, 100, 107, 109, 110}
    for number in (93, 97, 100, 110):
        one = await record(here, number)
        assert await here.posthorn[BlobStore].get(one.message.blob) == raw(rows, number)
    log = await here.posthorn[MessageStore].deliveries((await here.server()).id, MessageId(99))
    assert [(one.id, one.status) for one in log] == [(100, Status.SENT), (102, Status.BOUNCED)]
    assert len(await here.posthorn[Engagement].hits((await here.server()).id, MessageId(93))) == 7


async def test_held_mail_is_held_with_its_expiry(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    held = await record(here, 97)
    assert (held.state, held.status, held.hold_expires_at) == (State.HELD, Status.HELD, 1796504690)
    due = await here.posthorn[MessageStore].due(1796504690, 10)
    assert [one.message.id for one in due] == [97]


async def test_counters_are_brought_once(here: Here, postal: Postal) -> None:
    for _ in range(2):
        await here.bring(postal, history=True)
        assert await counted(here) == {"incoming": 159, "outgoing": 137, "bounces": 11, "held": 10}
    postal.run("UPDATE stats_daily SET outgoing = outgoing + 5 WHERE id = 1", server=2)
    await here.bring(postal, history=True)
    assert (await counted(here))["outgoing"] == 142


async def counted(here: Here) -> dict[str, int]:
    server = await here.server()
    found = await here.posthorn[Statistics].read(server.id, Period.DAY, 1795824000, 1795824000)
    ((_, counts),) = found
    return dict(counts)


async def test_a_further_run_brings_what_happened_since(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    deliver(postal, 296, 301)
    postal.run("DELETE FROM queued_messages")
    postal.run(
        "INSERT INTO loads VALUES (3, 95, '192.0.2.1', NULL, NULL, 'M', 1795903000)", server=2
    )
    postal.run("UPDATE messages SET loaded = 1795903000 WHERE id = 95", server=2)
    report = await here.bring(postal, history=True)
    assert report.counts["messages"]["new"] == 1 and report.left == []
    assert ((await record(here, 296)).status, (await record(here, 296)).state) == (
        Status.SENT,
        State.DONE,
    )
    assert (await record(here, 95)).opened_at == 1795903000
    again = await here.bring(postal, history=True)
    assert set(again.counts["messages"]) == {"same"}


async def test_what_was_done_here_is_left_and_told_of(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    await here.posthorn[MessageActions].cancel((await here.server()).id, MessageId(97))
    deliver(postal, 97, 301)
    report = await here.bring(postal, history=True)
    assert ("message 97 of acme/golden", "something was done with it here") in report.left
    assert (await record(here, 97)).status is Status.HOLD_CANCELLED


async def test_what_was_held_and_then_sent_by_postal_is_over(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    deliver(postal, 97, 301)
    report = await here.bring(postal, history=True)
    one = await record(here, 97)
    assert (one.state, one.status, one.held) == (State.DONE, Status.SENT, False)
    assert report.left == [] and report.counts["messages"]["changed"] == 1


async def test_waiting_mail_comes_with_its_attempts(here: Here, postal: Postal) -> None:
    report = await here.bring(postal, queue=True)
    one = await record(here, 296)
    assert (one.state, one.status, one.tries) == (State.WAITING, Status.SOFT_FAIL, 1)
    assert await listed(here) == {97, 110, 296}
    due = await here.posthorn[MessageStore].due(one.wake_at, 10)
    assert [each.message.id for each in due] == [296]
    assert report.left == []
    again = await here.bring(postal, queue=True)
    assert again.counts["messages"] == {"same": 3}


async def test_an_entry_without_a_message_is_told_of(here: Here, postal: Postal) -> None:
    postal.run(
        "INSERT INTO queued_messages(id, server_id, message_id, domain, attempts)"
        " VALUES (9999, 2, 4711, 'd.example', 0)"
    )
    for dry_run in (True, False):
        report = await here.bring(postal, queue=True, dry_run=dry_run)
        assert ("an entry of the queue of acme/golden", "there is no message 4711") in report.left


async def test_a_queue_at_work_is_refused(here: Here, postal: Postal) -> None:
    postal.run("UPDATE queued_messages SET locked_by = 'w', locked_at = UTC_TIMESTAMP()")
    with pytest.raises(PermanentFailure, match="workers are at work"):
        await here.bring(postal, queue=True)
    assert (await here.bring(postal, history=True)).counts["messages"]["new"] == 9


async def test_a_body_that_retention_took_is_gone(here: Here, postal: Postal) -> None:
    postal.run("DROP TABLE `raw-2026-11-28`", server=2)
    await here.bring(postal, history=True)
    one = await record(here, 93)
    with pytest.raises(NotFound):
        await here.posthorn[BlobStore].get(one.message.blob)


async def test_numbers_that_are_taken_here_are_told_of(
    here: Here, postal: Postal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.bring(postal, history=True)
    postal.run("UPDATE messages SET token = 'AnotherAnotherAn' WHERE id = 95", server=2)
    postal.run("UPDATE messages SET id = 5000 WHERE id = 296", server=2)
    report = await here.bring(postal, history=True)
    assert ("message 95 of acme/golden", "its number is another message's here") in report.left


def deliver(postal: Postal, message: int, number: int) -> None:
    """Have Postal send a message."""
    values: Sequence[Any] = (number, message, "Sent", "Message accepted", 1795903100.5)
    postal.run(
        "INSERT INTO deliveries(id, message_id, status, details, timestamp) VALUES (%s, %s, %s, %s, %s)",
        *values,
        server=2,
    )
    postal.run(
        "UPDATE messages SET status = 'Sent', held = 0, hold_expiry = NULL WHERE id = %s",
        message,
        server=2,
    )
