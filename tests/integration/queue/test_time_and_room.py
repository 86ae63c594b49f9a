"""What a batch starts in the time that its invocation has left, and with the room that there is for bodies."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import State, Status
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.batch import LAST_SETTLE_SECONDS
from chalicelib.services.queue.bodies import LARGEST_SPAN
from tests.stores import forget_messages
from tests.worlds import CONTENT, Scene, make_scene

ENOUGH = Settings().deadline_seconds + LAST_SETTLE_SECONDS
LARGE = CONTENT + b"x" * LARGEST_SPAN + b"\r\n"


async def wakeups(scene: Scene) -> list[ReceivedJob]:
    received = []
    while batch := await scene.queue.receive("default", 10):
        received += batch
    return [ReceivedJob(each.job, each.receipt) for each in received]


@pytest.mark.parametrize(
    "seconds", [0.0, 60.0, float(Settings().deadline_seconds - 1), ENOUGH - 1.0]
)
async def test_no_conversation_starts_that_could_not_end_in_time(
    seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    batch = await wakeups(scene)
    assert await scene.posthorn[AttemptDelivery].run(
        scene.posthorn[SendOutgoing], batch, seconds
    ) == {batch[0].receipt}
    record = await scene.record(accepted)
    assert (record.state, record.attempt) == (State.WAITING, 0)
    assert not scene.egress.received
    (said,) = (one.getMessage() for one in caplog.records if one.levelname == "ERROR")
    assert "its time limit must be POSTHORN_LEASE_SECONDS" in said


async def test_what_starts_last_has_the_whole_deadline_before_it() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    assert (
        await scene.posthorn[AttemptDelivery].run(
            scene.posthorn[SendOutgoing], await wakeups(scene), float(ENOUGH)
        )
        == set()
    )
    assert (await scene.record(accepted)).status is Status.SENT


async def test_a_lane_that_takes_long_hands_the_rest_back() -> None:
    """Recipients of one domain follow each other, five at a time; each takes two minutes here."""
    scene = await make_scene()
    await scene.accept(*(f"user{number}@example.com" for number in range(15)))
    batch = await wakeups(scene)
    take = scene.egress.take

    def slowly(*about: object) -> object:
        scene.clock.advance(120 / 5)  # five lanes wait at the same time
        return take(*about)  # type: ignore[arg-type]

    scene.egress.take = slowly  # type: ignore[method-assign,assignment]
    left = await scene.posthorn[AttemptDelivery].run(
        scene.posthorn[SendOutgoing], batch, float(Settings().lease_seconds)
    )
    assert 0 < len(left) < 15
    assert len(scene.egress.received) == 15 - len(left)


async def test_an_outcome_that_cannot_be_stored_is_queued_before_the_invocation_ends() -> None:
    """Two minutes are tried where there are as many, and less where there are not."""
    scene = await make_scene()
    await scene.accept()
    batch = await wakeups(scene)

    async def away(*_: object) -> bool:
        raise TemporaryFailure("The store is away")

    scene.posthorn[MessageStore].replace = away  # type: ignore[method-assign,assignment]
    ends = scene.clock.monotonic() + ENOUGH
    take = scene.egress.take

    def until_the_deadline(*about: object) -> object:
        scene.clock.advance(Settings().deadline_seconds)
        return take(*about)  # type: ignore[arg-type]

    scene.egress.take = until_the_deadline  # type: ignore[method-assign,assignment]
    assert (
        await scene.posthorn[AttemptDelivery].run(
            scene.posthorn[SendOutgoing], batch, float(ENOUGH)
        )
        == set()
    )
    assert scene.clock.monotonic() < ends
    scene.clock.advance(60)
    (outcome,) = await wakeups(scene)
    assert outcome.job.outcome is not None


async def test_small_mail_goes_on_while_large_mail_waits_for_room() -> None:
    """There is room for one large body; the small message behind the large ones of the same domain does not wait."""
    scene = await make_scene(Settings(bytes_in_hand=1))
    await scene.accept("a@example.com", "b@example.com", "c@example.com", content=LARGE)
    first = [await with_own_body(scene, one) for one in await wakeups(scene)]
    await forget_messages(scene.posthorn)
    await scene.accept("small@example.com")
    small = await wakeups(scene)
    gate, reached = asyncio.Event(), asyncio.Event()
    deliver = scene.posthorn[SmtpSender].deliver

    async def held_up(message: object, envelope: object, content: object, *more: object) -> object:
        if sum(map(len, content)) > LARGEST_SPAN:  # type: ignore[arg-type,call-overload]
            reached.set()
            await gate.wait()
        return await deliver(message, envelope, content, *more)  # type: ignore[arg-type]

    scene.posthorn[SmtpSender].deliver = held_up  # type: ignore[method-assign,assignment]
    running = asyncio.ensure_future(
        scene.posthorn[AttemptDelivery].run(scene.posthorn[SendOutgoing], [*first, *small])
    )
    await reached.wait()
    while not scene.egress.received:
        await asyncio.sleep(0)
    assert [each.envelope.rcpt_to for each in scene.egress.received] == ["small@example.com"]
    gate.set()
    assert await running == set()
    assert len(scene.egress.received) == 4


async def with_own_body(scene: Scene, received: ReceivedJob) -> ReceivedJob:
    """The same message with a large body that no other has."""
    blobs, now = scene.posthorn[BlobStore], scene.clock.now()
    (ref,) = await blobs.put(scene.server.id, [LARGE], now)
    message = replace(received.job.message, blob=ref)
    return replace(received, job=replace(received.job, message=message))
