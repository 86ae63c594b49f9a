"""The work queue on SQLite answers as a list of jobs would, also where a job is only the key of a message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import LONGEST_WAIT, SqliteWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import DeliveryJob, Message
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from tests.at_once import done
from tests.fakes import NOW, a_message

POOL = "default"
MESSAGES = st.builds(
    lambda server, number, token: a_message(server, number, token=token),
    st.sampled_from((ServerId(1), ServerId(2))),
    st.sampled_from((1, 2, 2**31 - 1)),
    st.sampled_from(("one", "other")),
)
STEPS = st.sampled_from((1, 60, 360, LONGEST_WAIT))
WAITS = st.sampled_from((0, 60, 2 * LONGEST_WAIT))


@dataclass
class Queued:
    """A job of the model, numbered in the order in which jobs were queued."""

    number: int
    job: DeliveryJob
    visible_at: float
    receives: int = 0


def receipt_of(job: Queued, *, stale: bool) -> str:
    """What it was handed out with last, or the time before."""
    return f"{job.number}:{job.receives - stale}"


class Queues(RuleBasedStateMachine):
    """Each rule asks the queue and the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ControlledClock(NOW, self_moving=False)
        program = Posthorn(Settings(), "sqlite", {Clock: self.clock})
        self.store, self.queue = program[MessageStore], program[SqliteWorkQueue]
        self.hidden_for = program.settings.visibility_seconds
        self.stored: dict[tuple[int, int], Message] = {}
        self.jobs: dict[int, Queued] = {}
        self.queued = 0

    @property
    def now(self) -> int:
        return int(self.clock.now())

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(message=MESSAGES)
    def a_message_is_stored(self, message: Message) -> None:
        done(self.store.create([message]))
        self.stored.setdefault((message.server_id, message.id), message)

    @rule(message=st.lists(MESSAGES, min_size=1, max_size=3), wait=WAITS, manual=st.booleans())
    def jobs_are_queued(self, message: list[Message], wait: int, manual: bool) -> None:
        jobs = [DeliveryJob(one, number, manual=manual) for number, one in enumerate(message)]
        done(self.queue.wake(POOL, jobs, self.now + wait))
        at = self.now + min(wait, LONGEST_WAIT)
        for job in jobs:
            self.queued += 1
            self.jobs[self.queued] = Queued(self.queued, self.as_kept(job), at)

    def as_kept(self, job: DeliveryJob) -> DeliveryJob:
        """A job of a message that is stored is the key of that, whatever else the job says of it."""
        known = self.stored.get((job.message.server_id, job.message.id))
        is_it = known is not None and known.token == job.message.token
        return replace(job, message=known) if known and is_it else job

    @rule(limit=st.integers(1, 4))
    def jobs_are_received(self, limit: int) -> None:
        visible = [one for one in self.jobs.values() if one.visible_at <= self.now]
        received = done(self.queue.receive(POOL, limit))
        taken = [self.jobs[int(one.receipt.partition(":")[0])] for one in received]
        soonest = sorted(one.visible_at for one in visible)[:limit]
        assert sorted(one.visible_at for one in taken) == soonest
        for one, handed in zip(taken, received, strict=True):
            one.receives += 1
            one.visible_at = self.now + self.hidden_for
            assert handed.job == one.job
            assert handed.receipt == f"{one.number}:{one.receives}"
            assert handed.receive_count == one.receives

    @rule(data=st.data(), seconds=st.sampled_from((0, 60)), stale=st.booleans())
    def a_job_is_kept_or_given_back(self, data: st.DataObject, seconds: int, stale: bool) -> None:
        received = [one for one in self.jobs.values() if one.receives]
        if not received:
            return
        one = data.draw(st.sampled_from(received))
        try:
            done(self.queue.extend_visibility(POOL, receipt_of(one, stale=stale), seconds))
        except TemporaryFailure:
            assert stale
        else:
            assert not stale
            one.visible_at = self.now + seconds

    @rule(data=st.data(), stale=st.booleans())
    def a_job_is_deleted(self, data: st.DataObject, stale: bool) -> None:
        received = [one for one in self.jobs.values() if one.receives]
        if not received:
            return
        one = data.draw(st.sampled_from(received))
        done(self.queue.delete([receipt_of(one, stale=stale)]))
        if not stale:
            del self.jobs[one.number]


Queues.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_work_queue_agrees_with_a_model = Queues.TestCase
