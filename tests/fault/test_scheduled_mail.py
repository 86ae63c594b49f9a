"""Scheduled mail under the crash matrix: a process dies at each write on its way, and it is sent once, at its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Status
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.clock import Clock
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from chalicelib.services.queue.reschedule import RescheduleMail
from tests.fault.stage import Stage, points

AHEAD = 7_200
BEFORE_THE_RECORD = [
    *points("aws", "blobs.put:before", "blobs.put:after", "messages.create:before"),
    *points("files", "intake.store:before"),
]
AFTER_THE_RECORD = [
    *points("aws", "messages.create:after"),
    *points("files", "intake.store:after"),
]


@pytest.fixture
def later(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose clock can be moved, and whose mail is scheduled."""
    stage.environment |= {"POSTHORN_CLOCK_FILE": str(tmp_path / "clock"), "FAULT_AHEAD": str(AHEAD)}
    return stage


def move(stage: Stage, seconds: float) -> None:
    Path(stage.environment["POSTHORN_CLOCK_FILE"]).write_text(str(seconds))


def sent_at_its_time(stage: Stage) -> None:
    """Nothing is sent before, and one copy then."""
    stage.run("sweep")
    stage.run("work")
    assert stage.peer.mails == []
    move(stage, AHEAD + 1)
    stage.run("sweep")
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    (record,) = stage.records()
    assert (record.status, record.sends_at) == (Status.SENT, None)
    assert record.scheduled_at == record.message.scheduled_at


@pytest.mark.parametrize(("stage", "point"), BEFORE_THE_RECORD, indirect=["stage"])
def test_death_before_the_record_promises_nothing(later: Stage, point: str) -> None:
    later.run("accept", point)
    assert later.records() == []
    later.accept()
    sent_at_its_time(later)


@pytest.mark.parametrize(("stage", "point"), AFTER_THE_RECORD, indirect=["stage"])
def test_death_before_the_answer_sends_once_at_its_time(later: Stage, point: str) -> None:
    later.run("accept", point)
    sent_at_its_time(later)


@pytest.mark.parametrize(
    "point",
    [
        "queue.wake:before",
        "queue.wake:after",
        "messages.clear_due:before",
        "messages.clear_due:after",
    ],
)
def test_death_of_the_sweeper_at_its_time_sends_once(later: Stage, point: str) -> None:
    later.accept()
    move(later, AHEAD + 1)
    later.run("sweep", point)
    later.run("sweep")
    later.work_until_done()
    assert len(later.peer.mails) == 1
    (record,) = later.records()
    assert record.status is Status.SENT


def test_death_after_its_link_was_kept_sends_the_same_link(later: Stage) -> None:
    made = later.accept()
    links, server = later.program[UnsubscribeLinks], later.server.id
    number, now = MessageId(made["id"]), later.program[Clock].now()
    with pytest.raises(NotFound):
        bootstrap.run(links.get(server, number, now))
    move(later, AHEAD + 1)
    later.run("sweep")
    later.run("work", "unsubscribe_links.keep:after")
    kept = bootstrap.run(links.get(server, number, now))
    assert kept.recipient == "john@example.com"
    move(later, AHEAD + 1_000)
    later.work_until_done()
    (mail,) = later.peer.mails
    assert mail.content.count(b"List-Unsubscribe: <https://") == 1


def test_one_that_was_given_another_time_is_not_sent_at_the_first(later: Stage) -> None:
    made = later.accept()
    program: Posthorn = later.program
    at = program[Clock].now() + 2 * AHEAD
    number = MessageId(made["id"])
    bootstrap.run(program[RescheduleMail].reschedule(later.server.id, number, at))
    move(later, AHEAD + 1)
    later.run("sweep")
    later.run("work")
    assert later.peer.mails == []
    move(later, 2 * AHEAD + 1)
    later.run("sweep")
    later.work_until_done()
    assert len(later.peer.mails) == 1
