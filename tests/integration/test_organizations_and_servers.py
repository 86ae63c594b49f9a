"""Organizations and servers are created with names of their own, changed, suspended and found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.domain.errors import Conflict, InvalidRequest, NotFound
from chalicelib.domain.tenancy.servers import SERVERS, ServerMode
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.queues import DeployedQueue, with_queue


@pytest.fixture
def app() -> Posthorn:
    return in_memory()


async def test_a_permalink_is_made_from_the_name(app: Posthorn) -> None:
    made = await app[Organizations].create("Ácme & Söhne")
    assert made.permalink == "acme-sohne"
    assert (await app[Organizations].get("acme-sohne")) == made


async def test_made_permalinks_count_up_on_collision(app: Posthorn) -> None:
    made = [await app[Organizations].create("Acme") for _ in range(3)]
    assert [each.permalink for each in made] == ["acme", "acme-2", "acme-3"]
    assert len({each.id for each in made}) == 3
    assert len({each.uuid for each in made}) == 3


async def test_organizations_made_at_the_same_time_get_different_permalinks(app: Posthorn) -> None:
    made = await asyncio.gather(*(app[Organizations].create("Acme") for _ in range(8)))
    assert len({each.permalink for each in made}) == 8


async def test_a_given_permalink_that_is_taken_is_a_conflict(app: Posthorn) -> None:
    await app[Organizations].create("Acme", "acme")
    with pytest.raises(Conflict):
        await app[Organizations].create("Other", "acme")


async def test_a_reserved_word_is_refused_when_given_and_avoided_when_made(app: Posthorn) -> None:
    with pytest.raises(InvalidRequest, match="reserved"):
        await app[Organizations].create("X", "admin")
    assert (await app[Organizations].create("Admin")).permalink == "admin-2"


@pytest.mark.parametrize("permalink", ["Acme", "a b", "-a", "a-", "ä", "", "a" * 51, "a\n"])
async def test_a_malformed_permalink_is_refused(app: Posthorn, permalink: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await app[Organizations].create("Acme", permalink)
    assert refused.value.errors[0].pointer == "/permalink"
    assert await app[Organizations].all() == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x1b[2Jb", "a\nb"])
async def test_a_malformed_name_is_refused(app: Posthorn, name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await app[Organizations].create(name)
    assert refused.value.errors[0].pointer == "/name"


async def test_a_name_without_letters_needs_a_permalink(app: Posthorn) -> None:
    with pytest.raises(InvalidRequest, match="permalink"):
        await app[Organizations].create("東京")
    assert (await app[Organizations].create("東京", "tokyo")).name == "東京"


async def test_an_unknown_organization_is_not_found(app: Posthorn) -> None:
    with pytest.raises(NotFound):
        await app[Organizations].get("nobody")


async def test_servers_of_two_organizations_may_share_a_permalink(app: Posthorn) -> None:
    one = await app[Organizations].create("One")
    two = await app[Organizations].create("Two")
    first = await app[Servers].create(one, "Mail")
    second = await app[Servers].create(two, "Mail")
    third = await app[Servers].create(one, "Mail")
    assert [first.full_name, second.full_name, third.full_name] == [
        "one/mail",
        "two/mail",
        "one/mail-2",
    ]
    assert len({first.token, second.token, third.token}) == 3
    assert all(len(each.token) == 6 and each.token.islower() for each in (first, second, third))
    assert [each.permalink for each in await app[Servers].of(one)] == ["mail", "mail-2"]


async def test_options_are_kept_and_changed_one_by_one(app: Posthorn) -> None:
    owner = await app[Organizations].create("Acme")
    options = ServerOptions(
        mode=ServerMode.DEVELOPMENT,
        send_limit=100,
        retry_schedule="1m,5m*2,1h*3",
        privacy_mode=True,
    )
    made = await app[Servers].create(owner, "Mail", None, options)
    found = await app[Servers].get("acme", "mail")
    assert found == made
    assert ServerOptions.of(found) == options
    changed = await app[Servers].update(found, ServerOptions(send_limit=None))
    assert changed.send_limit is None
    assert await app[Servers].get("acme", "mail") == changed


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (ServerOptions(pool="No Pool"), "/pool"),
        (ServerOptions(pool="typo"), "/pool"),
        (ServerOptions(shards=0), "/shards"),
        (ServerOptions(shards=17), "/shards"),
        (ServerOptions(send_limit=-1), "/send_limit"),
        (ServerOptions(retry_schedule="soon"), "/retry_schedule"),
    ],
)
async def test_a_wrong_option_is_named_and_nothing_is_stored(
    app: Posthorn, options: ServerOptions, field: str
) -> None:
    owner = await app[Organizations].create("Acme")
    with pytest.raises(InvalidRequest) as refused:
        await app[Servers].create(owner, "Mail", None, options)
    assert refused.value.errors[0].pointer == field
    assert await app[Servers].of(owner) == []


async def test_a_server_goes_to_no_pool_that_has_no_queue() -> None:
    app = with_queue(in_memory(), DeployedQueue)
    app[DeployedQueue].deploy("bulk")
    owner = await app[Organizations].create("Acme")
    made = await app[Servers].create(owner, "Mail", None, ServerOptions(pool="bulk"))
    with pytest.raises(InvalidRequest) as refused:
        await app[Servers].update(made, ServerOptions(pool="bulky"))
    assert refused.value.public == "There is no pool bulky; the pools are: bulk, default"
    assert (await app[Servers].get("acme", "mail")).pool == "bulk"
    app[DeployedQueue].deploy(*(f"pool{number}" for number in range(20)))
    with pytest.raises(InvalidRequest, match=r"default, pool0, .* and 12 more$"):
        await app[Servers].create(owner, "Other", None, ServerOptions(pool="bulky"))


async def test_a_server_whose_pool_has_gone_can_be_changed_otherwise(app: Posthorn) -> None:
    owner = await app[Organizations].create("Acme")
    made = await app[Servers].create(owner, "Mail")
    left = replace(made, pool="gone")
    await app[Repository].replace(SERVERS, left)
    changed = await app[Servers].update(left, replace(ServerOptions.of(left), privacy_mode=True))
    assert (changed.pool, changed.privacy_mode) == ("gone", True)


async def test_shards_are_chosen_once_because_messages_lie_in_them(app: Posthorn) -> None:
    owner = await app[Organizations].create("Acme")
    made = await app[Servers].create(owner, "Mail", None, ServerOptions(shards=4))
    with pytest.raises(InvalidRequest) as refused:
        await app[Servers].update(made, ServerOptions(shards=1))
    assert refused.value.errors[0].pointer == "/shards"
    assert (await app[Servers].get("acme", "mail")).shards == 4


async def test_suspending_an_organization_suspends_its_servers_at_once(app: Posthorn) -> None:
    owner = await app[Organizations].create("Acme")
    server = await app[Servers].create(owner, "Mail")
    await app[Organizations].suspend("acme", "unpaid")
    assert (await app[Directory].fresh_servers([server.id]))[server.id].is_suspended
    later = await app[Servers].create(await app[Organizations].get("acme"), "Late")
    assert later.is_suspended
    await app[Organizations].unsuspend("acme")
    assert not (await app[Directory].fresh_servers([server.id]))[server.id].is_suspended
    assert not (await app[Servers].get("acme", "late")).is_suspended


async def test_a_server_suspended_itself_stays_so_when_its_organization_is_freed(
    app: Posthorn,
) -> None:
    owner = await app[Organizations].create("Acme")
    server = await app[Servers].create(owner, "Mail")
    await app[Servers].suspend(server, "abuse")
    await app[Organizations].suspend("acme", "unpaid")
    await app[Organizations].unsuspend("acme")
    found = await app[Servers].get("acme", "mail")
    assert found.is_suspended
    assert found.suspension_reason == "abuse"
    assert not (await app[Servers].unsuspend(found)).is_suspended
