"""Mail of a server that was removed: it is not sent, breaks no worker, and does not come back to life."""

from __future__ import annotations

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.domain.delivery_job import parse_job, render_job
from chalicelib.domain.model import Delivery, DeliveryJob, Message, PendingOutcome, State, Status
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.dead_letters import DeadLetters
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tenancy.purge import WAIT_SECONDS, Purge
from chalicelib.services.tenancy.removal import RemoveTenants
from tests.stores import all_messages
from tests.worlds import Scene, make_scene


async def removed(scene: Scene) -> None:
    await scene.posthorn[RemoveTenants].remove_server(scene.server)


async def purged(scene: Scene) -> None:
    scene.posthorn[ControlledClock].advance(WAIT_SECONDS)
    assert await scene.posthorn[Purge].run() == 1
    assert all_messages(scene.posthorn) == []


async def worked_on(scene: Scene, *jobs: DeliveryJob) -> set[str]:
    received = [ReceivedJob(job, f"r{number}") for number, job in enumerate(jobs)]
    return await scene.posthorn[AttemptDelivery].run(scene.posthorn[SendOutgoing], received)


async def test_waiting_mail_is_not_delivered() -> None:
    scene = await make_scene()
    await scene.accept()
    await removed(scene)
    assert await scene.deliver_ready() == 1
    assert scene.egress.received == []
    assert await scene.deliver_ready() == 0


async def test_what_is_due_later_is_not_delivered_either() -> None:
    scene = await make_scene()
    scene.egress.always("john@example.com", Reply(451, "4.3.0", "not now"))
    (message,) = await scene.accept()
    await scene.play(3 * 3_600)
    assert (await scene.record(message)).state is State.WAITING
    sent = len(scene.egress.received)
    await removed(scene)
    await scene.play(4 * 3_600)
    assert len(scene.egress.received) == sent
    await purged(scene)
    await scene.posthorn[Sweep].run()


async def test_a_wake_up_that_comes_after_the_purge_brings_nothing_back() -> None:
    scene = await make_scene()
    (message,) = await scene.accept()
    await removed(scene)
    await purged(scene)
    delivery = Delivery(1, Status.SENT, "Taken", 0.0)
    outcome = PendingOutcome("w", State.DONE, 1, 0, False, None, delivery)
    late = DeliveryJob(message, 0), DeliveryJob(message, 0, outcome=outcome)
    assert await worked_on(scene, *(parse_job(render_job(job)) for job in late)) == set()
    assert all_messages(scene.posthorn) == []


async def test_nor_does_a_dead_letter() -> None:
    scene = await make_scene()
    (message,) = await scene.accept()
    await removed(scene)
    await purged(scene)
    assert await scene.posthorn[DeadLetters].hold(DeliveryJob(message, 0)) is True
    assert all_messages(scene.posthorn) == []


async def test_an_attempt_under_way_ends_without_harm() -> None:
    scene = await make_scene()
    (message,) = await scene.accept()
    store, now = scene.posthorn[MessageStore], int(scene.posthorn[Clock].now())
    claimed = await store.claim(DeliveryJob(message, 0), "w", now, now + 300)

    async def meanwhile() -> None:
        await removed(scene)
        await purged(scene)

    await meanwhile()
    assert await store.replace(claimed, claimed) is False  # type: ignore[arg-type]  # it was not refused
    assert await _queued(scene, message) == []


async def _queued(scene: Scene, message: Message) -> list[DeliveryJob]:
    assert scene.posthorn[WorkQueue]
    return [one.job for one in await scene.queue.receive(message.origin.pool)]
