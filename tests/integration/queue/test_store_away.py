"""The store goes away around a conversation: nothing is sent twice, nothing is lost."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.sqlite.messages import SqliteMessageStore
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.errors import OutcomeUnknown, TemporaryFailure
from chalicelib.domain.model import State, Status
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from tests.worlds import Scene, make_scene


def away(scene: Scene, *verbs: str, times: int) -> None:
    """Make verbs of the message store fail `times` times."""
    left = dict.fromkeys(verbs, times)
    store: Any = scene.posthorn[MessageStore]

    def failing(verb: str) -> Any:
        async def call(*args: Any) -> Any:
            if left[verb] > 0:
                left[verb] -= 1
                raise TemporaryFailure("The store is away")
            return await getattr(SqliteMessageStore, verb)(store, *args)

        return call

    for verb in verbs:
        setattr(store, verb, failing(verb))


async def test_a_short_outage_at_the_finish_is_waited_out() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    away(scene, "replace", times=3)
    await scene.deliver_ready()
    assert (await scene.record(accepted)).status is Status.SENT
    assert len(scene.egress.received) == 1


async def test_the_outcome_of_a_long_outage_travels_through_the_queue() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    away(scene, "replace", times=10_000)
    await scene.deliver_ready()
    assert (await scene.record(accepted)).state is State.LEASED
    away(scene, "replace", times=0)
    await scene.play(1200, step=30)
    record = await scene.record(accepted)
    assert (record.status, record.state) == (Status.SENT, State.DONE)
    assert len(scene.egress.received) == 1


async def test_a_soft_failure_through_the_queue_is_tried_again() -> None:
    scene = await make_scene()
    scene.egress.will(
        "john@example.com", TransactionResult(Reply(451, "4.7.1", "Greylisted"), "RCPT")
    )
    (accepted,) = await scene.accept()
    away(scene, "replace", times=10_000)
    await scene.deliver_ready()
    away(scene, "replace", times=0)
    await scene.play(1200, step=30)
    record = await scene.record(accepted)
    assert [each.status for each in record.deliveries] == [Status.SOFT_FAIL, Status.SENT]
    assert len(scene.egress.received) == 2


async def test_a_lost_reply_is_counted_though_it_travels_through_the_queue() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", OutcomeUnknown("Connection lost"))
    (accepted,) = await scene.accept()
    away(scene, "replace", times=10_000)
    await scene.deliver_ready()
    away(scene, "replace", times=0)
    await scene.play(1200, step=30)
    record = await scene.record(accepted)
    assert (record.status, record.lost_replies) == (Status.SOFT_FAIL, 1)
    assert len(scene.egress.received) == 1


async def test_an_outage_before_the_claim_leaves_the_wake_up() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    away(scene, "claim", times=2)
    await scene.play(1200, step=60)
    assert (await scene.record(accepted)).status is Status.SENT


async def test_a_settlement_survives_the_queue_s_text_form() -> None:
    scene = await make_scene()
    await scene.accept()
    away(scene, "replace", times=10_000)
    await scene.deliver_ready()
    scene.clock.advance(60)
    received = await scene.queue.receive("default")
    item = next(each.job for each in received if each.job.outcome)
    assert parse_job(render_job(item)) == item
