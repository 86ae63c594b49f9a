"""What was just made is there for what happens then, whatever another process knew of it a moment before: where an
answer that is old would lose something for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.webhooks.delivery import DeliveryFilter
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.webhooks import Webhooks
from tests.contract.conftest import World
from tests.fakes import a_domain, a_server, an_organization
from tests.webhook_events import an_event

URL = "https://app.example/hook"


@pytest.fixture
async def server(world: World) -> Server:
    organization = an_organization()
    await world[Repository].add(ORGANIZATIONS, organization)
    made = a_server(organization)
    await world[Repository].add(SERVERS, made)
    return made


@pytest.fixture
def elsewhere(world: World) -> World:
    """Another process, which has looked at nothing since."""
    return world.another()


async def hand_out(world: World, server: Server, number: int) -> int:
    """One event, as the outbox does; how many webhooks got it."""
    fan_out = world[FanOut]
    if not await fan_out.wanted(server.id):
        return 0
    return await fan_out.take(server.id, [an_event(server.id, number)])


async def test_a_webhook_gets_what_happens_after_it_was_made(
    world: World, elsewhere: World, server: Server
) -> None:
    """Whether the server had none before, or others."""
    webhooks = elsewhere[Webhooks]
    assert await hand_out(world, server, 0) == 0
    for count in range(1, 4):
        made, _ = await webhooks.create(server, {"url": URL})
        assert await hand_out(world, server, count) == count
    listed = await world[WebhookDeliveries].page(server.id, DeliveryFilter(webhook=made.id), 9)
    assert len(listed.values) == 1


async def test_a_webhook_gets_what_happens_after_it_was_enabled_and_nothing_while_it_is_not(
    world: World, elsewhere: World, server: Server
) -> None:
    webhooks = elsewhere[Webhooks]
    made, _ = await webhooks.create(server, {"url": URL, "events": ["email.opened"]})
    assert await hand_out(world, server, 0) == 0
    made = await webhooks.change(made, {"events": None})
    assert await hand_out(world, server, 1) == 1
    await webhooks.disable(made, "")
    assert await hand_out(world, server, 2) == 0
    await webhooks.enable(made)
    assert await hand_out(world, server, 3) == 1


async def test_a_domain_is_there_for_mail_that_would_fail_without_it(
    world: World, elsewhere: World, server: Server
) -> None:
    domain = a_domain(server)
    assert await world[Directory].verified_domain_now(server, domain.name) is None
    await elsewhere[Repository].add(DOMAINS, replace(domain, verified_at=None))
    assert await world[Directory].verified_domain_now(server, domain.name) is None
    await elsewhere[Repository].replace(DOMAINS, domain)
    assert await world[Directory].verified_domain_now(server, domain.name) == domain
    assert await world[Directory].verified_domain(server, domain.name) == domain


async def test_a_server_is_found_by_name_once_it_was_made(
    world: World, elsewhere: World, server: Server
) -> None:
    clients = world[ClientDirectory]
    names = server.organization_permalink, "another"
    with pytest.raises(NotFound):
        await clients.server_named_now(*names)
    other = a_server(an_organization(id=server.organization_id), permalink="another")
    other = replace(other, organization_permalink=server.organization_permalink)
    await elsewhere[Repository].add(SERVERS, other)
    assert await clients.server_named_now(*names) == other
    assert await clients.server_named(*names) == other


async def test_what_is_asked_for_now_is_as_anybody_left_it(
    world: World, elsewhere: World, server: Server
) -> None:
    """And a question that may have an old answer gets the newest that is known."""
    recent, repository = world[Recent], world[Repository]

    async def read() -> Mapping[str, Server]:
        known = await repository.get_many(SERVERS, [SERVERS.place(server)])
        return {one.name: one for one in known.values()}

    for name in ("One", "Two", "Three"):
        changed = replace(server, name=name)
        await elsewhere[Repository].replace(SERVERS, changed)
        assert await recent.ask_now("names", read) == {name: changed}
        assert await recent.ask("names", read) == {name: changed}
