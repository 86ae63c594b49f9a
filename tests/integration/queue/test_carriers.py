"""What the queue does for whatever pipeline it hands messages to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    DeliveryJob,
    Message,
    MessageRecord,
    State,
    Status,
)
from chalicelib.domain.suppression import Suppression
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.queue.bodies import LARGEST_SPAN
from chalicelib.services.queue.turns import Share
from chalicelib.services.tenancy.directory import Directory
from tests.listed import list_new
from tests.worlds import Scene, make_scene

if TYPE_CHECKING:
    from pytest import MonkeyPatch


class Carrier:
    """Ends every message as it is told to, and remembers what it got."""

    def __init__(self, ending: str = "sent") -> None:
        self.ending = ending
        self.records: list[MessageRecord] = []
        self.batches: list[DeliveryBatch] = []
        self.asked_for_copies: list[int] = []

    async def copies(self, message: Message, batch: DeliveryBatch) -> int:
        self.asked_for_copies.append(message.id)
        return 1

    def lane(self, message: Message) -> str:
        return message.rcpt_to

    def shares(self, message: Message) -> tuple[Share, ...]:
        return ()

    async def run(
        self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch
    ) -> MessageRecord:
        self.records.append(record)
        self.batches.append(batch)
        if self.ending == "away":
            raise TemporaryFailure("What I need is away")
        now = record.message.received_at
        if self.ending == "waiting":
            return lifecycle.waiting(
                record, Delivery(1, Status.SOFT_FAIL, "Later", now), int(now) + 9
            )
        return lifecycle.done(record, Delivery(1, Status.SENT, "Taken", now))


async def wakeups(scene: Scene) -> list[ReceivedJob]:
    received = []
    while batch := await scene.queue.receive("default", 10):
        received += batch
    return [ReceivedJob(each.job, each.receipt) for each in received]


async def test_a_carrier_gets_a_claimed_message_and_what_it_returns_is_stored() -> None:
    scene, carrier = await make_scene(), Carrier()
    (accepted,) = await scene.accept()
    assert await scene.posthorn[AttemptDelivery].run(carrier, await wakeups(scene)) == set()
    (claimed,) = carrier.records
    assert (claimed.message, claimed.state) == (accepted, State.LEASED)
    record = await scene.record(accepted)
    assert (record.status, record.state) == (Status.SENT, State.DONE)
    assert scene.egress.received == []


async def test_a_message_that_shall_wait_a_little_is_woken_by_the_queue() -> None:
    scene, carrier = await make_scene(), Carrier("waiting")
    await scene.accept()
    await scene.posthorn[AttemptDelivery].run(carrier, await wakeups(scene))
    assert await wakeups(scene) == []
    scene.clock.advance(9)
    (again,) = await wakeups(scene)
    assert again.job.attempt == 1


async def test_a_carrier_that_could_do_nothing_gets_the_message_again() -> None:
    scene, carrier = await make_scene(), Carrier("away")
    (accepted,) = await scene.accept()
    batch = await wakeups(scene)
    assert await scene.posthorn[AttemptDelivery].run(carrier, batch) == {batch[0].receipt}
    record = await scene.record(accepted)
    assert (record.state, record.attempt, record.deliveries) == (State.LEASED, 0, ())


async def test_a_batch_is_read_once_however_many_messages_it_has(
    monkeypatch: MonkeyPatch,
) -> None:
    scene, carrier = await make_scene(), Carrier()
    accepted = await scene.accept(*(f"user{number}@example.com" for number in range(20)))
    now = scene.clock.now()
    entry = Suppression("user7@example.com", "too many hard fails", now, int(now) + 900)
    await list_new(scene.posthorn[SuppressionList], scene.server.id, [entry])
    reads = [
        counted(scene.posthorn[Directory], "fresh_servers", monkeypatch),
        counted(scene.posthorn[SuppressionList], "listed", monkeypatch),
    ]
    await scene.posthorn[AttemptDelivery].run(carrier, await wakeups(scene))
    assert [len(read) for read in reads] == [1, 1]
    assert len(carrier.batches) == 20
    assert all(batch is carrier.batches[0] for batch in carrier.batches)
    batch = carrier.batches[0]
    assert batch.server_of(accepted[0]) == scene.server
    listed = [message.rcpt_to for message in accepted if batch.suppression_of(message)]
    assert listed == ["user7@example.com"]


def counted(port: Any, verb: str, monkeypatch: MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls of a verb from now on."""
    calls: list[tuple[Any, ...]] = []
    original = getattr(port, verb)

    async def call(*about: Any) -> Any:
        calls.append(about)
        return await original(*about)

    monkeypatch.setattr(port, verb, call)
    return calls


async def test_only_for_a_large_body_a_carrier_is_asked_how_many_copies_it_makes() -> None:
    scene, carrier = await make_scene(), Carrier()
    small, large = await scene.accept("a@example.com", "b@example.com")
    batch = [enlarged(each) if each.job.message == large else each for each in await wakeups(scene)]
    assert await scene.posthorn[AttemptDelivery].run(carrier, batch) == set()
    assert carrier.asked_for_copies == [large.id]
    stored = await scene.posthorn[MessageStore].get(scene.server.id, small.id)
    assert stored.status is Status.SENT


def enlarged(wakeup: ReceivedJob) -> ReceivedJob:
    message = replace(wakeup.job.message, blob=BlobRef("r/large", 0, LARGEST_SPAN + 1))
    return replace(wakeup, job=replace(wakeup.job, message=message))
