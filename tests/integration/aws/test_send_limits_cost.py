"""What send limits cost on AWS in calls and units, and that the whole way of a held message works there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.aws.meter import Meter
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing, hold_of
from chalicelib.domain.model import Delivery, DeliveryJob, MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.send_limits import SendLimits
from chalicelib.services.limits.release import ReleaseHeld
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.batch import BatchReader
from chalicelib.services.tenancy.servers import ServerOptions
from tests.fakes import NOW, a_server_id
from tests.worlds import Scene, make_scene

pytestmark = pytest.mark.aws

SERVER = Limit(LimitOwner(OwnerKind.SERVER, 0), Period.HOUR, 1_000)


def limits_of(server: ServerId) -> list[Limit]:
    """Three owners, with three periods each."""
    owners = (
        LimitOwner(OwnerKind.CREDENTIAL, server, "kabc"),
        LimitOwner(OwnerKind.SERVER, server),
        LimitOwner(OwnerKind.ORGANIZATION, server),
    )
    return [Limit(owner, period, 1_000) for owner in owners for period in Period]


async def test_a_place_is_one_unit_an_owner_whatever_periods_it_has(
    aws: Posthorn, meter: Meter
) -> None:
    limits = limits_of(a_server_id())
    await aws[SendLimits].take(limits, 1, NOW)
    for wanted, units in ((limits, 3), (limits[3:], 2), (limits[3:6], 1), (limits[3:4], 1)):
        meter.reset()
        assert (await aws[SendLimits].take(wanted, 1, NOW)).full is None
        spent = meter.snapshot()
        assert (spent.calls, spent.write_units) == ({"dynamodb.UpdateItem": units}, units)
        assert spent.read_units == 0


async def test_full_windows_are_still_one_unit(aws: Posthorn, meter: Meter) -> None:
    """Each slot of an hour and of a day with counts of four digits fits into a kilobyte."""
    server = a_server_id()
    limits = [Limit(LimitOwner(OwnerKind.SERVER, server), period, 10_000_000) for period in Period]
    for slot in range(49):
        await aws[SendLimits].take(limits, 1_234, NOW + slot * 1_800)
    for minute in range(61):
        await aws[SendLimits].take(limits, 1_234, NOW + 49 * 1_800 + minute * 60)
    meter.reset()
    await aws[SendLimits].take(limits, 1, NOW + 49 * 1_800 + 60 * 60)
    assert meter.snapshot().write_units == 1
    meter.reset()
    await aws[SendLimits].take(limits, 1, NOW + 49 * 1_800 + 61 * 60)  # the hour goes on
    assert meter.snapshot().calls == {"dynamodb.UpdateItem": 3}


async def test_a_line_is_read_from_its_head_however_long_it_is(aws: Posthorn, meter: Meter) -> None:
    server = a_server_id()
    limit = replace(SERVER, owner=LimitOwner(OwnerKind.SERVER, server))
    meter.reset()
    await aws[LimitLines].enter(limit, Standing(NOW, server, MessageId(1), 1), NOW + 3_600)
    spent = meter.snapshot()
    assert spent.calls == {"dynamodb.UpdateItem": 3}
    for number in range(2, 200):
        standing = Standing(NOW + number, server, MessageId(number), 1)
        await aws[LimitLines].enter(limit, standing, NOW + 3_600)
    meter.reset()
    assert len(await aws[LimitLines].first(limit.line, 10)) == 10
    spent = meter.snapshot()
    assert spent.calls == {"dynamodb.Query": 1}
    assert spent.read_units <= 1


async def attempted(scene: Scene, record: MessageRecord) -> MessageRecord:
    """One attempt at a message, as a worker makes it."""
    program, server = scene.posthorn, scene.server.id
    job = DeliveryJob(record.message, record.attempt)
    batch = await program[BatchReader].read([job], 300)
    now = int(scene.clock.now())
    claimed = await program[MessageStore].claim(job, "w", now, now + 420)
    assert isinstance(claimed, MessageRecord)
    after = await program[SendOutgoing].run(claimed, job, batch)
    assert await program[MessageStore].replace(claimed, after)
    return await program[MessageStore].get(server, record.message.id)


async def test_mail_is_held_and_let_go_in_order(aws_settings: Settings) -> None:
    scene = await make_scene(server=ServerOptions(send_limit=2), on_aws=aws_settings)
    store = scene.posthorn[MessageStore]
    records = []
    for number in range(5):
        (message,) = await scene.accept(f"user{number}@example.com")
        scene.clock.advance(1)
        records.append(await attempted(scene, await store.get(scene.server.id, message.id)))
    assert [one.status for one in records] == [Status.SENT] * 2 + [Status.HELD] * 3
    assert [one.limit_hold is None for one in records] == [True] * 2 + [False] * 3
    let_go: list[int] = []
    for _ in range(4 * 60):
        scene.clock.advance(60)
        if await scene.posthorn[ReleaseHeld].run():
            for one in records[2:]:
                found = await store.get(scene.server.id, one.message.id)
                if found.state is State.WAITING and found.message.id not in let_go:
                    let_go.append(found.message.id)
                    assert (await attempted(scene, found)).status is Status.SENT
    assert let_go == [one.message.id for one in records[2:]]
    assert await scene.posthorn[LimitLines].due(scene.clock.now() + 9_999, 9) == []


async def test_what_a_turn_costs(aws_settings: Settings) -> None:
    """Of a line that lets twenty messages go: a message, and the line."""
    scene = await make_scene(server=ServerOptions(send_limit=1_200), on_aws=aws_settings)
    program, store, server = scene.posthorn, scene.posthorn[MessageStore], scene.server.id
    limit = Limit(LimitOwner(OwnerKind.SERVER, server), Period.HOUR, 1_200)
    meter = program[Meter]
    for number in range(60):
        (message,) = await scene.accept(f"user{number}@example.com")
        record = await store.get(server, message.id)
        delivery = Delivery(number, Status.HELD, limit.words, scene.clock.now())
        after = lifecycle.held(record, delivery, None, hold_of(limit, NOW))
        assert await store.replace(record, after)
        await program[LimitLines].enter(limit, Standing.of(message, 1), scene.clock.now())
    scene.clock.advance(1)
    meter.reset()
    let_go = await program[ReleaseHeld].run()
    spent = meter.snapshot()
    assert let_go == 21  # one at once, and one each three seconds of the next minute
    assert spent.write_units <= 5 * let_go + 6
    assert spent.read_units <= 2 * let_go
    meter.reset()
    assert await program[ReleaseHeld].run() == 0
    idle = meter.snapshot()
    assert (idle.calls, idle.read_units) == ({"dynamodb.Query": 1}, 0.5)
