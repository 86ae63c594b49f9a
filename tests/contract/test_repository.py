"""The configuration as people change it: every declared noun is fresh, unique by its places, and gone when removed."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from dataclasses import fields, replace
from typing import Any

import pytest

from chalicelib import domain
from chalicelib.domain.errors import Conflict, NotFound, Outdated, Rejected, TooMany
from chalicelib.domain.paging import Filter, Page
from chalicelib.domain.people.oidc_provider import OIDC
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.credentials import BY_KEY, CREDENTIALS, CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.entity import ITSELF, Entity, Place
from chalicelib.domain.tenancy.installation import INSTALLATION, NOTICE
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import of_key, of_organization, of_server
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.ports.repository import Repository
from tests.contract.conftest import World
from tests.contract.nouns import NOUNS, Noun, a_source, a_track_domain, place_in_list
from tests.fakes import NOW, a_credential, a_domain, a_server, a_server_id, an_organization

MANY = [noun for noun in NOUNS if noun.is_one_of_many]
BY_TITLE = {"ids": lambda noun: noun.title.replace(" ", "-")}
each_noun = pytest.mark.parametrize("noun", NOUNS, **BY_TITLE)
each_of_many = pytest.mark.parametrize("noun", MANY, **BY_TITLE)


@pytest.fixture(autouse=True)
async def not_installed(world: World) -> None:
    """An installation is one of its kind, and the stores are shared by several tests."""
    for noun in NOUNS:
        if noun.entity in (INSTALLATION, NOTICE, OIDC):
            value = noun.make()
            if await world[Repository].get_many(noun.entity, [noun.entity.place(value)]):
                await world[Repository].remove(noun.entity, value)


async def listed(world: World, noun: Noun, value: Any) -> list[Any]:
    """What stands in the list of a value's owner; of all organizations only some are of this test."""
    return await world[Repository].all(noun.entity, place_in_list(noun, value).owner)


async def assert_found(world: World, noun: Noun, value: Any) -> None:
    """By its place, by each look-up, and in the list."""
    store, place = world[Repository], noun.entity.place(value)
    assert await store.get(noun.entity, place) == value
    assert await store.get_many(noun.entity, [place, Place(place.owner, "no")]) == {place: value}
    for look_up in noun.entity.look_ups:
        other = look_up.place(value)
        if other is not None:
            assert await store.find(noun.entity, look_up, other) == value
            assert value in await store.all(noun.entity, other.owner, look_up)
    assert value in await listed(world, noun, value)


async def assert_absent(world: World, noun: Noun, value: Any) -> None:
    """By no place, and with the text that names it."""
    store, place, text = world[Repository], noun.entity.place(value), noun.entity.word
    with pytest.raises(NotFound, match=f"There is no such {text}"):
        await store.get(noun.entity, place)
    assert await store.get_many(noun.entity, [place]) == {}
    for look_up in noun.entity.look_ups:
        other = look_up.place(value)
        if other is not None:
            with pytest.raises(NotFound, match=f"There is no such {text}"):
                await store.find(noun.entity, look_up, other)
    assert value not in await listed(world, noun, value)


def test_every_declared_noun_is_tried() -> None:
    declared = {
        value
        for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Entity)
    }
    assert declared == {noun.entity for noun in NOUNS}
    assert len({entity.word for entity in declared}) == len(declared)


@each_noun
def test_declared_fields_exist_and_bytes_are_declared_as_sealed(noun: Noun) -> None:
    names = {field.name for field in fields(noun.entity.kind)}
    assert {*noun.entity.filters, *noun.entity.texts, *noun.entity.sealed} <= names
    full = noun.full(noun.make())
    in_bytes = {name for name in names if "sealed" in repr(getattr(full, name))}
    assert in_bytes <= set(noun.entity.sealed)
    assert not {*noun.entity.filters, *noun.entity.texts} & set(noun.entity.sealed)


def test_what_one_owner_has_of_two_kinds_is_told_apart() -> None:
    kinds: dict[tuple[str, str], set[int]] = {}
    for noun in NOUNS:
        value = noun.full(noun.make())
        for one in (noun.entity, *noun.entity.look_ups):
            place = one.place(value)
            if place is not None:
                kinds.setdefault((place.owner.code, one.code), set()).add(id(one))
                assert one.code or place.name == ITSELF or not shares_its_owner(place, one)
    assert {len(same) for same in kinds.values()} == {1}
    remembered = [noun.entity.owners for noun in NOUNS if noun.entity.owners]
    assert not {*remembered} & {owner for owner, _ in kinds}


def shares_its_owner(place: Place, one: Any) -> bool:
    """Whether that kind of owner has others than this."""
    return any(
        other is not one and at is not None and at.owner.code == place.owner.code
        for noun in NOUNS
        for other in (noun.entity, *noun.entity.look_ups)
        for at in [other.place(noun.make())]
    )


@each_noun
async def test_what_is_added_is_found_at_all_its_places(world: World, noun: Noun) -> None:
    value = noun.make()
    await assert_absent(world, noun, value)
    await world[Repository].add(noun.entity, value)
    await assert_found(world, noun, value)


@each_noun
async def test_no_two_share_a_place(world: World, noun: Noun) -> None:
    value = noun.make()
    await world[Repository].add(noun.entity, value)
    before = await listed(world, noun, value)
    for rival in (value, *noun.rivals(value)):
        with pytest.raises(Conflict, match=f"This {noun.entity.word} already exists"):
            await world[Repository].add(noun.entity, rival)
    assert await listed(world, noun, value) == before
    await assert_found(world, noun, value)


@each_of_many
async def test_another_owner_may_have_one_of_the_same_name(world: World, noun: Noun) -> None:
    value = noun.make()
    other = noun.elsewhere(value)
    for one in (value, other):
        await world[Repository].add(noun.entity, one)
    for one in (value, other):
        await assert_found(world, noun, one)
    await world[Repository].replace(noun.entity, noun.full(value))
    await assert_found(world, noun, other)


@each_noun
async def test_of_ten_at_once_one_is_added(world: World, noun: Noun) -> None:
    value = noun.make()
    rivals = [*noun.rivals(value)[:1], *[value] * 9]
    results = await asyncio.gather(
        *(world[Repository].add(noun.entity, one) for one in rivals), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(one in rivals for one in await listed(world, noun, value)) == 1


@each_noun
async def test_every_field_is_kept_and_can_be_replaced(world: World, noun: Noun) -> None:
    value = noun.make()
    await world[Repository].add(noun.entity, value)
    full = noun.full(value)
    await world[Repository].replace(noun.entity, full)
    await assert_found(world, noun, full)
    await world[Repository].replace(noun.entity, value)
    await assert_found(world, noun, value)


@each_noun
async def test_what_is_not_there_cannot_be_changed(world: World, noun: Noun) -> None:
    value = noun.make()
    for verb in (world[Repository].replace, world[Repository].remove):
        with pytest.raises(NotFound, match=f"There is no such {noun.entity.word}"):
            await verb(noun.entity, value)
    await assert_absent(world, noun, value)


@each_noun
async def test_what_is_removed_is_gone_from_all_its_places(world: World, noun: Noun) -> None:
    value = noun.make()
    await world[Repository].add(noun.entity, value)
    await world[Repository].remove(noun.entity, value)
    await assert_absent(world, noun, value)
    await world[Repository].add(noun.entity, value)
    await assert_found(world, noun, value)


@each_of_many
async def test_a_list_is_in_the_order_of_its_names(world: World, noun: Noun) -> None:
    made = [noun.also(noun.make(), "b")]
    made += [noun.also(made[0], name) for name in ("c", "a", "aa")]
    for value in made:
        await world[Repository].add(noun.entity, value)
    names = [place_in_list(noun, one).name for one in await listed(world, noun, made[0])]
    assert names == sorted(names)
    assert {place_in_list(noun, one).name for one in made} <= set(names)


@each_of_many
async def test_pages_give_everything_once(world: World, noun: Noun) -> None:
    made = [noun.also(noun.make(), "b")]
    made += [noun.also(made[0], name) for name in ("c", "a", "d", "e")]
    for value in made:
        await world[Repository].add(noun.entity, value)
    owner = place_in_list(noun, made[0]).owner
    found, cursor = [], None
    while True:
        page: Page[Any] = await world[Repository].page(noun.entity, owner, 2, cursor)
        assert 1 <= len(page.values) <= 2
        found += page.values
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == await listed(world, noun, made[0])


async def test_a_page_may_be_exactly_full(world: World) -> None:
    server = a_server_id()
    for name in ("a.test", "b.test"):
        await world[Repository].add(
            DOMAINS, a_domain(a_server(an_organization(), id=server), name=name)
        )
    page = await world[Repository].page(DOMAINS, of_server(server), 2)
    assert (len(page.values), page.next_cursor) == (2, None)
    empty = await world[Repository].page(DOMAINS, of_server(a_server_id()), 2)
    assert empty == Page(())


async def test_a_filter_narrows_every_page(world: World) -> None:
    organization = an_organization()
    for number in range(7):
        value = a_server(
            organization,
            permalink=f"app-{number}",
            name="Größe" if number % 2 else "Small",
            pool="bulk" if number in (1, 2, 5) else "default",
        )
        await world[Repository].add(SERVERS, value)
    owner = of_organization(organization.id)

    async def names(wanted: Filter) -> list[str]:
        found, cursor = [], None
        while True:
            page = await world[Repository].page(SERVERS, owner, 1, cursor, wanted)
            found += [one.permalink for one in page.values]
            cursor = page.next_cursor
            if cursor is None:
                return found

    assert await names(Filter({"pool": "bulk"})) == ["app-1", "app-2", "app-5"]
    assert await names(Filter(text="GRÖß")) == ["app-1", "app-3", "app-5"]
    assert await names(Filter({"pool": "bulk"}, "app-5")) == ["app-5"]
    assert await names(Filter({"pool": "bulk"}, "app-6")) == []


async def test_a_cursor_is_for_one_list_and_filter(world: World) -> None:
    server = a_server(an_organization())
    for name in ("a.test", "b.test", "c.test"):
        await world[Repository].add(DOMAINS, a_domain(server, name=name))
    owner = of_server(server.id)
    cursor = (await world[Repository].page(DOMAINS, owner, 1)).next_cursor
    assert cursor is not None
    assert len((await world[Repository].page(DOMAINS, owner, 3, cursor)).values) == 2
    of_flag = Filter({"use_for_any": False})
    for place, given, wanted in (
        (owner, cursor, of_flag),
        (of_server(a_server_id()), cursor, Filter()),
        (owner, cursor[:-3], Filter()),
        (owner, "", Filter()),
        (owner, "nonsense", Filter()),
    ):
        with pytest.raises(Rejected):
            await world[Repository].page(DOMAINS, place, 1, given, wanted)
    with pytest.raises(Rejected):
        await world[Repository].page(CREDENTIALS, owner, 1, cursor)


async def test_a_cursor_outlives_what_it_followed(world: World) -> None:
    server = a_server(an_organization())
    made = [a_domain(server, name=name) for name in ("a.test", "b.test", "c.test")]
    for domain_of in made:
        await world[Repository].add(DOMAINS, domain_of)
    owner = of_server(server.id)
    first = await world[Repository].page(DOMAINS, owner, 1)
    await world[Repository].remove(DOMAINS, made[0])
    await world[Repository].remove(DOMAINS, made[1])
    assert (await world[Repository].page(DOMAINS, owner, 1, first.next_cursor)).values == (made[2],)


@pytest.mark.parametrize("limit", [0, 101, -1])
async def test_a_page_has_bounds(world: World, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        await world[Repository].page(DOMAINS, of_server(a_server_id()), limit)


async def test_a_filter_names_declared_fields(world: World) -> None:
    with pytest.raises(ValueError, match="not filtered by sealed_key"):
        await world[Repository].page(
            CREDENTIALS, of_server(a_server_id()), 1, None, Filter({"sealed_key": b"x"})
        )


async def test_several_changes_are_made_together_or_not_at_all(world: World) -> None:
    server = a_server(an_organization())
    track, taken = a_track_domain(server.id), a_domain(server)
    await world[Repository].add(DOMAINS, taken)

    with pytest.raises(Conflict, match="This domain already exists"):
        await world[Repository].change(
            Change(Verb.ADD, TRACK_DOMAINS, track), Change(Verb.ADD, DOMAINS, taken)
        )
    assert await world[Repository].all(TRACK_DOMAINS, of_server(server.id)) == []
    await world[Repository].change(
        Change(Verb.ADD, TRACK_DOMAINS, track), Change(Verb.REMOVE, DOMAINS, taken)
    )
    assert await world[Repository].all(TRACK_DOMAINS, of_server(server.id)) == [track]
    assert await world[Repository].all(DOMAINS, of_server(server.id)) == []
    missing = replace(track, domain="other.test")
    with pytest.raises(NotFound, match="There is no such track domain"):
        await world[Repository].change(
            Change(Verb.ADD, DOMAINS, taken), Change(Verb.REMOVE, TRACK_DOMAINS, missing)
        )
    assert await world[Repository].all(DOMAINS, of_server(server.id)) == []


async def test_a_look_up_that_moves_leaves_its_place_to_others(world: World) -> None:
    server = a_server(an_organization())
    credential, other = a_credential(server), a_credential(server)
    for one in (credential, other):
        await world[Repository].add(CREDENTIALS, one)
    with pytest.raises(Conflict):
        await world[Repository].replace(CREDENTIALS, replace(credential, digest=other.digest))
    assert await world[Repository].get(CREDENTIALS, CREDENTIALS.place(credential)) == credential
    moved = replace(credential, digest="moved-" + credential.digest)
    await world[Repository].replace(CREDENTIALS, moved)
    assert await world[Repository].find(CREDENTIALS, BY_KEY, Place(of_key(moved.digest))) == moved
    with pytest.raises(NotFound):
        await world[Repository].find(CREDENTIALS, BY_KEY, Place(of_key(credential.digest)))
    await world[Repository].add(CREDENTIALS, replace(credential, id="successor"))
    network = replace(moved, kind=CredentialKind.SMTP_IP, digest="", network="192.0.2.0/24")
    await world[Repository].replace(CREDENTIALS, network)
    with pytest.raises(NotFound):
        await world[Repository].find(CREDENTIALS, BY_KEY, Place(of_key(moved.digest)))


async def test_a_server_that_is_renamed_is_found_by_its_new_name(world: World) -> None:
    server = a_server(an_organization())
    await world[Repository].add(SERVERS, server)
    renamed = replace(server, permalink="renamed")
    await world[Repository].replace(SERVERS, renamed)
    assert await world[Repository].all(SERVERS, of_organization(server.organization_id)) == [
        renamed
    ]


async def test_a_note_changes_its_fields_alone_and_brings_nothing_back(world: World) -> None:
    credential = a_credential(a_server(an_organization()))
    store, place = world[Repository], CREDENTIALS.place(credential)
    await store.add(CREDENTIALS, credential)
    await store.replace(CREDENTIALS, replace(credential, name="Renamed"))
    await store.note(CREDENTIALS, credential, last_used_at=NOW)
    noted = replace(credential, name="Renamed", last_used_at=NOW)
    assert await store.get(CREDENTIALS, place) == noted
    await store.remove(CREDENTIALS, noted)
    await store.note(CREDENTIALS, credential, last_used_at=NOW + 1)
    assert await store.get_many(CREDENTIALS, [place]) == {}
    server = a_server(an_organization())
    await store.add(SERVERS, server)
    await store.note(SERVERS, server, name="Noted", organization_suspended=True)
    noted_server = replace(server, name="Noted", organization_suspended=True)
    assert await store.get(SERVERS, SERVERS.place(server)) == noted_server


async def test_owners_that_ever_had_one_are_remembered(world: World) -> None:
    pools = [f"pool-{a_server_id()}" for _ in range(2)]
    sources = [a_source(pool, name) for pool in pools for name in ("one", "two")]
    for source in sources:
        await world[Repository].add(SOURCES, source)
    for source in sources:
        await world[Repository].remove(SOURCES, source)
    known = await world[Repository].owners(SOURCES)
    assert set(pools) <= set(known)
    assert known == sorted(set(known))


async def test_numbers_of_a_kind_are_given_once(world: World) -> None:
    kind = f"kind-{a_server_id()}"
    numbers = await asyncio.gather(*(world[Repository].next_number(kind) for _ in range(15)))
    assert sorted(numbers) == list(range(1, 16))


async def test_who_watches_is_told_of_each_change(world: World) -> None:
    told: list[str] = []
    store, organization = world[Repository], an_organization()
    store.watch(lambda: told.append("one"))
    store.watch(lambda: told.append("other"))
    await store.add(ORGANIZATIONS, organization)
    assert told == ["one", "other"]
    await store.note(ORGANIZATIONS, organization, name="Noted")
    await store.remove(ORGANIZATIONS, organization)
    assert len(told) == 6
    await store.all(ORGANIZATIONS, ORGANIZATIONS.place(organization).owner)
    assert len(told) == 6


@each_noun
async def test_a_change_needs_what_it_was_made_from(world: World, noun: Noun) -> None:
    repository, value = world[Repository], noun.make()
    await repository.add(noun.entity, value)
    place = noun.entity.place(value)
    known = await repository.get(noun.entity, place)
    changed = noun.full(known)
    outdated = Change(Verb.REPLACE, noun.entity, known, changed)
    with pytest.raises(Outdated):
        await repository.change(outdated)
    assert await repository.get(noun.entity, place) == known
    await repository.change(Change(Verb.REPLACE, noun.entity, changed, known))
    assert await repository.get(noun.entity, place) == changed


async def test_changes_of_one_value_at_a_time_are_all_made(world: World) -> None:
    repository, server = world[Repository], a_server(an_organization())
    await repository.add(SERVERS, server)
    place = SERVERS.place(server)

    def longer(one: Server) -> Server:
        return replace(one, name=one.name + "x")

    await asyncio.gather(*(repository.modify(SERVERS, place, longer) for _ in range(4)))
    assert (await repository.get(SERVERS, place)).name == server.name + "xxxx"
    assert await repository.modify(SERVERS, place, lambda one: one) == await repository.get(
        SERVERS, place
    )


async def test_a_guard_is_asked_again_when_another_change_came_between(world: World) -> None:
    repository, organization = world[Repository], an_organization()
    first, second, third = (a_server(organization) for _ in range(3))
    await repository.add(SERVERS, first)
    owner, asked = of_organization(organization.id), 0

    async def at_most_two() -> None:
        nonlocal asked
        asked += 1
        if len(await repository.all(SERVERS, owner)) >= 2:
            raise TooMany("There are two")
        if asked == 1:
            await repository.add(SERVERS, second)

    with pytest.raises(TooMany):
        await repository.add(SERVERS, third, at_most_two)
    assert asked == 2
    assert {one.id for one in await repository.all(SERVERS, owner)} == {first.id, second.id}


async def test_many_at_once_are_as_many_as_may_be(world: World) -> None:
    repository, organization = world[Repository], an_organization()
    owner = of_organization(organization.id)

    async def at_most_three() -> None:
        if len(await repository.all(SERVERS, owner)) >= 3:
            raise TooMany("There are three")

    async def add() -> bool:
        try:
            await repository.add(SERVERS, a_server(organization), at_most_three)
        except TooMany:
            return False
        return True

    assert sum(await asyncio.gather(*(add() for _ in range(6)))) == 3
    assert len(await repository.all(SERVERS, owner)) == 3


async def test_a_change_that_its_guard_refuses_is_not_made(world: World) -> None:
    repository = world[Repository]
    server = a_server(an_organization())
    await repository.add(SERVERS, server)

    async def never() -> None:
        raise TooMany("No")

    place = SERVERS.place(server)
    with pytest.raises(TooMany):
        await repository.modify(SERVERS, place, lambda one: replace(one, name="Other"), never)
    assert await repository.get(SERVERS, place) == server
