"""What would keep other tenants' events waiting is handed on by an inner job, which nobody sees.

Each event is stored once for each webhook, whoever dies meanwhile, and however often it comes.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence

import pytest

from chalicelib.domain.changes import Happened
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.jobs import Job
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.webhooks.delivery import DeliveryFilter
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.events import hand_on_later
from chalicelib.services.events.hand_on_later import MOST_AT_ONCE
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import LEASE_SECONDS, RunJobs
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from chalicelib.services.webhooks.fan_out import FanOut
from tests.contract.conftest import World
from tests.fakes import NOW
from tests.webhook_events import a_webhook

WEBHOOKS = 6
MANY = MOST_AT_ONCE // WEBHOOKS + 1


async def a_server(world: World, webhooks: int) -> Server:
    organization = await world[Organizations].create(f"Acme {secrets.token_hex(4)}")
    server = await world[Servers].create(organization, "App")
    for number in range(webhooks):
        await a_webhook(world, server, f"https://app.example/{number}")
    return server


def happened(server: ServerId, count: int, first: int = 0) -> list[Happened]:
    """Changes that tell of so many events."""
    kind, detail = EventType.SUPPRESSION_ADDED, '{"address":"zoe@example.com"}'
    told = [
        Occurrence(kind, server, NOW + number / 1_000, str(number), None, detail)
        for number in range(first, first + count)
    ]
    return [Happened(f"{number:09d}", server, one) for number, one in enumerate(told, 1 + first)]


async def stored(world: World, server: Server) -> Counter[tuple[str, str]]:
    """How often each event stands there for each webhook."""
    found: Counter[tuple[str, str]] = Counter()
    cursor: str | None = None
    while True:
        page = await world[WebhookDeliveries].page(server.id, DeliveryFilter(), 100, cursor)
        found.update((one.webhook, one.event_id) for one in page.values)
        if (cursor := page.next_cursor) is None:
            return found


async def open_jobs(world: World, server: Server) -> list[Job]:
    found = await world[Jobs].open(1_000)
    return [job for owner, job in found if owner == server.id]


async def work(world: World, server: Server) -> None:
    """Jobs are worked on until none of the server is left."""
    while await open_jobs(world, server):
        await world[RunJobs].run(5)


async def test_others_have_their_turn_first(world: World) -> None:
    await world.install()
    many, few = await a_server(world, WEBHOOKS), await a_server(world, 1)
    publish = world[PublishEvents]
    await publish.take("a", happened(many.id, MANY))
    await publish.take("a", [*happened(few.id, 3), *happened(many.id, 2, first=MANY)])
    # Of the one with many only what others need not wait for.
    assert (len(await stored(world, few)), len(await stored(world, many))) == (3, 2 * WEBHOOKS)
    await work(world, many)
    counts = await stored(world, many)
    assert (len(counts), set(counts.values())) == ((MANY + 2) * WEBHOOKS, {1})


async def test_what_comes_again_is_one_job_and_adds_nothing(world: World) -> None:
    await world.install()
    server = await a_server(world, WEBHOOKS)
    changes = happened(server.id, MANY)
    for _ in range(2):
        await world[PublishEvents].take("a", changes)
    assert len(await open_jobs(world, server)) == 1
    await work(world, server)
    await world[PublishEvents].take("a", changes)
    assert await open_jobs(world, server) == []
    # In other batches, as after a crash.
    await world[PublishEvents].take("a", changes[:-1])
    await work(world, server)
    counts = await stored(world, server)
    assert (len(counts), set(counts.values())) == (MANY * WEBHOOKS, {1})


async def test_nothing_is_lost_with_whoever_dies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.install()
    server = await a_server(world, WEBHOOKS)
    await world[PublishEvents].take("a", happened(server.id, MANY))
    monkeypatch.setattr(hand_on_later, "OF_A_PIECE", 2 * MANY)
    take, calls = FanOut.take_some, 0

    async def fails(
        self: FanOut, server: ServerId, events: Sequence[object], after: str, most: int
    ) -> str | None:
        nonlocal calls
        calls += 1
        last = await take(self, server, events, after, most)  # type: ignore[arg-type]
        if calls == 2:
            raise RuntimeError("died")
        return last

    monkeypatch.setattr(FanOut, "take_some", fails)
    await world[RunJobs].run(5)
    assert len(await open_jobs(world, server)) == 1
    world.clock.advance(LEASE_SECONDS + 1)
    await work(world, server)
    counts = await stored(world, server)
    assert (len(counts), set(counts.values())) == (MANY * WEBHOOKS, {1})
    assert calls == WEBHOOKS // 2 + 1


async def test_nobody_sees_it_or_stops_it(world: World) -> None:
    await world.install()
    server = await a_server(world, WEBHOOKS)
    owner = JobOwner(server.organization_id, server.full_name, server)
    await world[PublishEvents].take("a", happened(server.id, MANY))
    (inner,) = await open_jobs(world, server)
    asked_for = await world[KeepJobs].start(owner, "export", {"what": "suppressions"})
    page = await world[KeepJobs].page(owner, 1, None)
    assert ([one.id for one in page.values], page.next_cursor) == ([asked_for.id], asked_for.id)
    page = await world[KeepJobs].page(owner, 100, page.next_cursor)
    assert (page.values, page.next_cursor) == ((), None)
    for ask in (world[KeepJobs].get, world[KeepJobs].stop):
        with pytest.raises(NotFound):
            await ask(owner, inner.id)


async def test_it_comes_again_when_it_cannot_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.install()
    server = await a_server(world, WEBHOOKS)

    async def away(*_: object) -> None:
        raise TemporaryFailure("away")

    monkeypatch.setattr(type(world[Jobs]), "add", away)
    with pytest.raises(TemporaryFailure):
        await world[PublishEvents].take("a", happened(server.id, MANY))
