"""Deliveries to webhooks: stored once, found when due, listed newest first, changed by one at a time."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.http_exchange import Timings
from chalicelib.domain.webhooks.delivery import (
    DeliveryFilter,
    DeliveryStatus,
    Header,
    Replay,
    WebhookAttempt,
    WebhookDelivery,
)
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id
from tests.webhook_events import a_delivery, eventually

ATTEMPT = WebhookAttempt(
    at=NOW + 0.5,
    code=500,
    seconds=0.08,
    response="Ünavailable \N{PILE OF POO}",
    timings=Timings(dns=0.001, wait=0.07),
    request_headers=(Header("webhook-id", "x"), Header("webhook-id", "y")),
    response_headers=(Header("content-type", "text/plain"),),
)


def a_webhook_id() -> str:
    return secrets.token_hex(6)


async def added(world: World, *numbers: int, **changes: Any) -> list[WebhookDelivery]:
    made = [a_delivery(world.server, number, **changes) for number in numbers]
    assert await world[WebhookDeliveries].add(made) == [True] * len(made)
    return made


async def test_one_is_stored_once(world: World) -> None:
    first, second = await added(world, 1, 2)
    store = world[WebhookDeliveries]
    third = a_delivery(world.server, 3)
    assert await store.add([replace(first, payload=b"other"), third]) == [False, True]
    for one in (first, second, third):
        assert await store.get(world.server, one.id) == one
    for server, name in ((a_server_id(), first.id), (world.server, "wdaaaaaaaaaaaaaaaaaaaa")):
        with pytest.raises(NotFound):
            await store.get(server, name)


async def test_all_that_is_known_of_it_is_kept(world: World) -> None:
    (before,) = await added(world, 1)
    store = world[WebhookDeliveries]
    tried = replace(before, tries=1, next_attempt_at=NOW + 5.5).attempted(ATTEMPT)
    asked = replace(tried, replay=Replay("https://b.example/", b"sealed"))
    assert await store.replace(before, asked)
    found = await store.get(world.server, before.id)
    assert found == replace(asked, version=1)
    after = replace(found.ended(DeliveryStatus.DELIVERED), replay=None)
    assert await store.replace(found, after)
    assert await store.get(world.server, before.id) == replace(after, version=2)


async def test_of_two_changes_one_is_made(world: World) -> None:
    (before,) = await added(world, 1)
    store = world[WebhookDeliveries]
    assert await store.replace(before, replace(before, tries=1))
    assert not await store.replace(before, replace(before, tries=7))
    assert (await store.get(world.server, before.id)).tries == 1
    assert not await store.replace(a_delivery(world.server, 9), a_delivery(world.server, 9))


async def test_what_is_due_is_found_in_its_order(world: World) -> None:
    store, webhook = world[WebhookDeliveries], a_webhook_id()
    late, soon, over, asked = await added(world, 1, 2, 3, 4, webhook=webhook)
    await added(world, 5, webhook=a_webhook_id())
    for one, after in (
        (late, replace(late, next_attempt_at=NOW + 50.5)),
        (soon, replace(soon, next_attempt_at=NOW + 20.25)),
        (over, over.ended(DeliveryStatus.FAILED)),
        (asked, replace(asked.ended(DeliveryStatus.DELIVERED), replay=Replay())),
    ):
        assert await store.replace(one, after)

    async def due(now: float, limit: int = 10) -> list[str]:
        found = await store.due(world.server, webhook, now, limit)
        return [one.id for one in found]

    await eventually(lambda: due(NOW + 60), [asked.id, soon.id, late.id])
    assert await due(NOW + 30) == [asked.id, soon.id]
    assert await due(NOW + 60, 1) == [asked.id]
    assert await store.next_due(world.server, webhook) == 0
    (found,) = await store.due(world.server, webhook, NOW, 10)
    assert await store.replace(found, replace(found, replay=None))
    await eventually(lambda: store.next_due(world.server, webhook), NOW + 20.25)
    assert await store.due(a_server_id(), a_webhook_id(), NOW + 60, 10) == []
    assert await store.next_due(world.server, a_webhook_id()) is None


async def test_what_is_fresh_is_due_at_once(world: World) -> None:
    webhook = a_webhook_id()
    first, second = await added(world, 1, 2, webhook=webhook)
    fresh = [first.id, second.id, "wdaaaaaaaaaaaaaaaaaaaa"]
    found = await world[WebhookDeliveries].due(world.server, webhook, NOW + 9, 10, fresh)
    assert found == [first, second]


async def test_pages_are_newest_first_and_narrowed(world: World) -> None:
    webhooks = [a_webhook_id(), a_webhook_id()]
    made = [
        (await added(world, number, webhook=webhooks[number % 2]))[0] for number in range(1, 12)
    ]
    store = world[WebhookDeliveries]
    assert await store.replace(made[4], made[4].ended(DeliveryStatus.FAILED))
    made[4] = replace(made[4].ended(DeliveryStatus.FAILED), version=1)
    for wanted in (
        DeliveryFilter(),
        DeliveryFilter(webhook=webhooks[1]),
        DeliveryFilter(status=DeliveryStatus.FAILED),
        DeliveryFilter(status=DeliveryStatus.WAITING, webhook=webhooks[0]),
        DeliveryFilter(email=made[2].email),
        DeliveryFilter(event="email.bounced"),
        DeliveryFilter(event="email.delivered", since=NOW + 0.003, until=NOW + 0.009),
    ):
        found: list[WebhookDelivery] = []
        cursor = None
        while True:
            page = await store.page(world.server, wanted, 2, cursor)
            assert len(page.values) <= 2
            found += page.values
            if (cursor := page.next_cursor) is None:
                break
        assert found == [one for one in reversed(made) if wanted.passes(one)], wanted
    first = await store.page(world.server, DeliveryFilter(), 1)
    with pytest.raises(Rejected):
        await store.page(a_server_id(), DeliveryFilter(), 1, first.next_cursor)


async def test_one_ends_after_its_days(world: World) -> None:
    (one,) = await added(world, 1)
    store = world[WebhookDeliveries]
    world.clock.advance(world.settings.webhook_days * DAY - 60)
    assert await store.get(world.server, one.id) == one
    world.clock.advance(120)
    with pytest.raises(NotFound):
        await store.get(world.server, one.id)
    assert (await store.page(world.server, DeliveryFilter(), 10)).values == ()
