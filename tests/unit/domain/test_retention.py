"""How long a server keeps what it has, and on which days runs are due."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.neighbours import TOGETHER_SECONDS, Neighbours
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.retention import (
    Retention,
    Spared,
    day_in,
    day_of,
    next_run,
    run_of,
    spared_as,
    start_of,
)
from chalicelib.domain.tenancy.servers import CONTENT_FOREVER, FOREVER, UNLIMITED
from tests.fakes import NOW, a_message, a_server, an_organization

SERVER = a_server(an_organization())


def test_the_settings_of_a_server_are_read() -> None:
    assert Retention.of(SERVER) == Retention(60, 30, 2048 * 1024 * 1024)
    never = replace(
        SERVER,
        message_retention_days=FOREVER,
        raw_message_retention_days=CONTENT_FOREVER,
        raw_message_retention_size=UNLIMITED,
    )
    assert Retention.of(never) == Retention(None, None, None)
    assert Retention.of(replace(SERVER, raw_message_retention_days=0)).content_days == 0


def test_no_content_outlives_its_message() -> None:
    assert Retention(10, 30, None).contents_before(NOW) == NOW - 10 * DAY
    assert Retention(60, 0, None).contents_before(NOW) == NOW
    assert Retention(None, None, None).contents_before(NOW) == 0
    assert Retention(None, None, 5).excess(7) == 2
    assert Retention(None, None, 5).excess(3) == Retention(None, None, None).excess(9) == 0


def test_what_waits_is_spared() -> None:
    record = MessageRecord(a_message(ServerId(1), 1))
    assert spared_as(record) is Spared.WAITING
    assert spared_as(replace(record, state=State.LEASED)) is Spared.WAITING
    assert spared_as(replace(record, state=State.HELD)) is Spared.HELD
    assert spared_as(replace(record, sends_at=NOW)) is Spared.SCHEDULED
    assert spared_as(replace(record, state=State.DONE)) is None


def test_a_run_is_due_from_three_on() -> None:
    midnight = NOW - NOW % DAY
    today, yesterday = day_of(midnight), day_of(midnight - 1)
    assert run_of(midnight + 3 * HOUR - 1) == yesterday
    assert run_of(midnight + 3 * HOUR) == today
    assert next_run(midnight) == midnight + 3 * HOUR
    assert next_run(midnight + 3 * HOUR) == midnight + 27 * HOUR
    assert start_of(today) == midnight
    assert day_in(f"r/7/{today}/x") == day_in(f"{today}/a-1.seg") == today
    assert day_in(f"r/23387358/{today}/x") == day_in(f"r/-23387358/{today}/x") == today


def test_messages_are_given_out_with_their_neighbours_known() -> None:
    def at(number: int, seconds: float) -> MessageRecord:
        return MessageRecord(a_message(ServerId(1), number, received_at=NOW + seconds))

    near = Neighbours(lambda one: one.message.id == 2)
    assert near.take([at(1, 0), at(2, 1)]) == []
    (first,) = near.take([at(3, TOGETHER_SECONDS + 0.5)])
    assert first.message.id == 1
    assert [one.message.id for one in near.needing] == [2]
    assert [one.message.id for one in near.take([at(4, 500)])] == [2, 3]
    assert [one.message.id for one in near.rest()] == [4]
    assert near.rest() == []
