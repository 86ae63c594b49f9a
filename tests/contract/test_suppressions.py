"""Lists of suppressed recipients: of organizations, servers and streams, on each family of stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.suppression import (
    NEVER,
    Asked,
    Change,
    Name,
    Reason,
    Suppression,
    SuppressionFilter,
    SuppressionScope,
    list_of,
)
from chalicelib.ports.suppressions import SuppressionList
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id
from tests.listed import list_new

ENTRY = Suppression("Ann@Example.com", "too many hard fails", NOW + 0.5, NOW + 3_600)
ALL = SuppressionFilter()


def asked(world: World, address: str, stream: str = "transactional") -> Asked:
    return Asked(world.server, organization_of(world), address, stream)


def organization_of(world: World) -> OrganizationId:
    return OrganizationId(world.server)


async def acting(world: World, address: str, stream: str = "transactional") -> Suppression | None:
    one = asked(world, address, stream)
    return (await world[SuppressionList].listed([one], NOW)).get(one)


async def paged(
    world: World, owners: Sequence[ServerId], wanted: SuppressionFilter = ALL, limit: int = 3
) -> list[str]:
    """The addresses of all pages."""
    found: list[str] = []
    position: str | None = None
    while True:
        page = await world[SuppressionList].page(owners, wanted, limit, NOW, position)
        assert len(page.values) <= limit
        found += [one.address for one in page.values]
        if (position := page.next_cursor) is None:
            return found


async def test_a_recipient_is_listed_without_case_until_the_end(world: World) -> None:
    port, other = world[SuppressionList], a_server_id()
    await list_new(port, world.server, [ENTRY])
    ann = [asked(world, "ann@example.COM"), asked(world, "ANN@example.com")]
    nobody = [asked(world, "bob@example.com"), ann[0]._replace(server=other)]
    assert await port.listed([*ann, *nobody], NOW) == {ann[0]: ENTRY, ann[1]: ENTRY}
    assert await port.listed(ann, NOW + 3_600) == {}
    assert await port.listed([], NOW) == {}
    assert await port.get(world.server, [Name("ann@example.com")], NOW + 3_600) == {}


async def test_an_entry_means_nobody_of_another_spelling(world: World) -> None:
    await list_new(
        world[SuppressionList], world.server, [replace(ENTRY, address="Maß@example.com")]
    )
    assert await acting(world, "mass@example.com") is None
    assert await acting(world, "MAß@example.com") is not None


async def test_the_organization_acts_before_the_server_and_that_before_the_stream(
    world: World,
) -> None:
    port, whole = world[SuppressionList], list_of(organization_of(world))
    stream = replace(ENTRY, scope=SuppressionScope.STREAM, stream="news")
    everybody = replace(ENTRY, address="*@example.com")
    shared = replace(ENTRY, scope=SuppressionScope.ORGANIZATION)
    shared_everybody = replace(shared, address="*@Example.com")

    for owner, entry, elsewhere in (
        (world.server, replace(stream, address="*@example.com"), None),
        (world.server, stream, None),
        (world.server, everybody, everybody),
        (world.server, ENTRY, ENTRY),
        (whole, shared_everybody, shared_everybody),
        (whole, shared, shared),
    ):
        await list_new(port, owner, [entry])
        assert await acting(world, "ANN@example.com", "news") == entry
        assert await acting(world, "ann@example.com", "offers") == elsewhere
    assert (await acting(world, "bob@example.com")) == shared_everybody
    assert await acting(world, "ann@mail.example.com") is None
    assert await port.of(world.server, "ann@example.com", NOW) == [ENTRY, stream]
    assert await port.of(world.server, "ann@example.co", NOW) == []


async def test_an_entry_is_put_only_in_place_of_what_was_read(world: World) -> None:
    port, name = world[SuppressionList], Name("ann@example.com")
    entry = replace(ENTRY, note="as told", created_by="ada", email=7, report=3)  # type: ignore[arg-type]
    assert await port.put(world.server, entry, None, NOW)
    assert not await port.put(world.server, ENTRY, None, NOW)
    assert not await port.put(world.server, ENTRY, replace(entry, reason="bounced"), NOW)
    assert await port.get(world.server, [name], NOW) == {name: entry}
    renewed = replace(entry, keep_until=NEVER, reason="bounced")
    assert await port.put(world.server, renewed, entry, NOW)
    assert not await port.remove(world.server, entry)
    assert await port.remove(world.server, renewed)
    assert not await port.remove(world.server, renewed)
    assert await port.get(world.server, [name], NOW) == {}
    await list_new(port, world.server, [replace(ENTRY, keep_until=NOW - 1)])
    assert await port.put(world.server, ENTRY, None, NOW)


async def test_many_are_put_only_in_place_of_what_was_read(world: World) -> None:
    port = world[SuppressionList]
    new, same, noted, gone = (
        replace(ENTRY, address=f"{name}@example.com") for name in ("new", "same", "noted", "gone")
    )
    await list_new(port, world.server, [same, noted, gone])
    complaint = replace(noted, note="she complained", email=7, report=3)  # type: ignore[arg-type]
    assert await port.put(world.server, complaint, noted, NOW)
    assert await port.remove(world.server, gone)
    shouted = replace(new, address="NEW@example.com", note="again")
    changes = [
        Change(new, None),
        Change(replace(same, reason="bounced"), same),
        Change(replace(noted, reason="bounced"), noted),
        Change(replace(gone, reason="bounced"), gone),
    ]
    names = [one.name for one in changes]
    assert await port.put_all(world.server, changes, NOW) == {names[2], names[3]}
    assert await port.put_all(world.server, [Change(shouted, None)], NOW) == {
        Name("NEW@example.com")
    }
    assert await port.get(world.server, names, NOW) == {
        names[0]: new,
        names[1]: replace(same, reason="bounced"),
        names[2]: complaint,
    }
    twice = [Change(replace(gone, note=note), None) for note in ("one", "two")]
    assert await port.put_all(world.server, twice, NOW) == {names[3]}
    assert len(await port.of(world.server, gone.address, NOW)) == 1
    assert await port.put_all(world.server, [], NOW) == set()


async def test_lists_are_read_together_by_time(world: World) -> None:
    port, whole = world[SuppressionList], list_of(organization_of(world))
    names = [f"user{number}@example.com" for number in range(12)]
    for number, name in enumerate(names):
        entry = replace(ENTRY, address=name, at=NOW + number // 2)
        await list_new(port, whole if number % 3 == 0 else world.server, [entry])
    await list_new(port, world.server, [replace(ENTRY, address="over@example.com", keep_until=NOW)])
    await list_new(port, a_server_id(), [replace(ENTRY, address="foreign@example.com")])
    found = await paged(world, [world.server, whole])
    assert sorted(found) == sorted(names)
    assert [names.index(one) // 2 for one in found] == [number // 2 for number in range(11, -1, -1)]
    assert set(await paged(world, [whole])) == set(names[::3])
    between = SuppressionFilter(since=NOW + 2, until=NOW + 4)
    assert set(await paged(world, [world.server, whole], between)) == set(names[4:8])
    assert await paged(world, [whole], SuppressionFilter(since=NOW + 4, until=NOW + 2)) == []
    with pytest.raises(Rejected):
        await port.page([whole], ALL, 3, NOW, "none of these")


async def test_a_list_is_narrowed(world: World) -> None:
    port, whole = world[SuppressionList], list_of(organization_of(world))
    shared = replace(ENTRY, scope=SuppressionScope.ORGANIZATION, reason="bounced", at=NOW - 9)
    news = replace(ENTRY, scope=SuppressionScope.STREAM, stream="news", reason="unsubscribed")
    await list_new(port, whole, [shared])
    await list_new(
        port, world.server, [ENTRY, news, replace(news, address="bob@example.com", at=NOW)]
    )
    both = [world.server, whole]
    every = await paged(world, both, SuppressionFilter(address="ANN@example.com"), limit=30)
    assert every == [ENTRY.address] * 3
    for wanted, count in (
        (SuppressionFilter(reason=Reason.BOUNCE), 1),
        (SuppressionFilter(scope=SuppressionScope.STREAM), 2),
        (SuppressionFilter(stream="news", address="ann@example.com"), 1),
        (SuppressionFilter(scope=SuppressionScope.SERVER, reason=Reason.BOUNCE), 0),
    ):
        assert len(await paged(world, both, wanted)) == count
    assert await port.count(both, NOW) == {
        "bounced": 1,
        "too many hard fails": 1,
        "unsubscribed": 2,
    }


async def test_a_list_is_walked_whole_while_it_changes(world: World) -> None:
    port = world[SuppressionList]
    names = [f"user{number:02d}@example.com" for number in range(10)]
    await list_new(port, world.server, [replace(ENTRY, address=name) for name in names])
    found: list[str] = []
    position: str | None = None
    while True:
        page = await port.walk(world.server, 3, NOW, position)
        found += [one.address for one in page.values]
        if (position := page.next_cursor) is None:
            break
        await port.remove(world.server, replace(ENTRY, address=found[-1]))
        await list_new(port, world.server, [replace(ENTRY, address=f"aaa{len(found)}@example.com")])
    assert found == names


async def test_two_hundred_recipients_are_looked_up_at_once(world: World) -> None:
    listed = [f"user{number}@example.com" for number in range(0, 200, 50)]
    await list_new(
        world[SuppressionList], world.server, [replace(ENTRY, address=one) for one in listed]
    )
    everybody = [asked(world, f"User{number}@example.com") for number in range(200)]
    found = await world[SuppressionList].listed(everybody, NOW)
    assert [one.address.lower() for one in found] == listed
