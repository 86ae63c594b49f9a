"""Mail that is to be sent later: stored with its time, woken by the sweeper then and no sooner, whatever dies on the
way."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import lifecycle
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, Scope, State, Status
from chalicelib.ports.intake import Intake, Mail
from chalicelib.ports.messages import ClaimRefused, MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.queue.sweep import Sweep
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_job, a_message

AT = NOW + 3_600.5
DUE = NOW + 3_601


def a_scheduled(world: World, number: int = 1, at: float = AT) -> Message:
    return a_message(world.server, number, scheduled_at=at, stream="news", metadata='{"a":"ü"}')


async def scheduled(world: World, number: int = 1, at: float = AT) -> MessageRecord:
    """One that was accepted."""
    message = a_scheduled(world, number, at)
    mail = Mail(b"body", world.server, lambda ref: (replace(message, blob=ref),))
    ((stored,),) = await world[Intake].store([mail], NOW)
    assert stored[1]
    return await world[MessageStore].get(world.server, message.id)


async def woken(world: World) -> list[DeliveryJob]:
    """Wake-ups of this world's server, once there are any."""
    for _ in range(20):
        received = await world.receive("default")
        if jobs := [job for _, job in received if job.message.server_id == world.server]:
            return jobs
    return []


async def due(world: World, now: int) -> list[int]:
    found = await world[MessageStore].due(now, 100)
    return [one.message.id for one in found if one.message.server_id == world.server]


async def test_it_is_stored_without_a_wake_up_and_due_at_its_time(world: World) -> None:
    record = await scheduled(world)
    assert record == lifecycle.accepted(record.message)
    assert (record.state, record.status) == (State.WAITING, Status.PENDING)
    assert (record.wake_at, record.sends_at, record.by_sweeper) == (DUE, DUE, True)
    assert record.message.metadata == '{"a":"ü"}'
    received = await world.receive("default", within=0.5)
    assert [job for _, job in received if job.message.server_id == world.server] == []
    assert await due(world, DUE - 1) == []
    assert await due(world, DUE) == [1]
    flagged = await world[MessageStore].flagged(world.server, Scope.OUTGOING, "scheduled", 10)
    assert list(flagged.values) == [record]


async def test_storing_it_again_is_the_same(world: World) -> None:
    message = a_scheduled(world)
    store = world[MessageStore]
    assert await store.create([message, message]) == [True, True]
    other = replace(message, token="another")
    assert await store.create([other]) == [False]
    assert await due(world, DUE) == [1]


async def test_the_sweeper_wakes_it_once_and_a_lost_wake_up_comes_again(world: World) -> None:
    record = await scheduled(world)
    store = world[MessageStore]
    world.clock.advance(DUE - world.clock.now())
    # The sweeper dies between the wake-up and the record: one wake-up more, which finds nothing to claim.
    await world[WorkQueue].wake("default", [a_job(record.message)])
    await world[Sweep].run()
    jobs = await woken(world)
    jobs += await woken(world) if len(jobs) == 1 else []
    assert [job.message for job in jobs] == [record.message] * 2
    claims = [await store.claim(job, "w", DUE, DUE + 60) for job in jobs]
    leased = [one for one in claims if isinstance(one, MessageRecord)]
    assert len(leased) == 1
    assert [one for one in claims if isinstance(one, ClaimRefused)]
    assert await due(world, DUE) == []
    after = lifecycle.done(leased[0], a_delivery(1, status=Status.SENT))
    assert await store.replace(leased[0], after)
    stored = await store.get(world.server, record.message.id)
    assert (stored.sends_at, stored.scheduled_at) == (None, AT)
    flagged = await store.flagged(world.server, Scope.OUTGOING, "scheduled", 10)
    assert list(flagged.values) == []


async def test_another_time_is_another_attempt(world: World) -> None:
    record = await scheduled(world)
    store = world[MessageStore]
    later = lifecycle.rescheduled(record, AT + 3_600, NOW)
    assert await store.replace(record, later)
    assert await store.get(world.server, record.message.id) == later
    assert (later.scheduled_at, later.wake_at) == (AT + 3_600, DUE + 3_600)
    assert await due(world, DUE) == []
    assert await due(world, DUE + 3_600) == [1]
    # What was woken for the time before does nothing.
    refused = await store.claim(a_job(record.message), "w", DUE, DUE + 60)
    assert isinstance(refused, ClaimRefused)
    now = lifecycle.rescheduled(later, None, NOW)
    assert await store.replace(later, now)
    assert (now.scheduled_at, now.is_scheduled, await due(world, NOW)) == (None, False, [1])
