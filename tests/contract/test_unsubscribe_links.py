"""Links to unsubscribe: kept apart from their message until they are over, and read whole for a move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

LATER = NOW + 86_400


def a_link(server: ServerId, message: int = 1, **changes: object) -> UnsubscribeLink:
    link = UnsubscribeLink(server, MessageId(message), "Ada@example.com", "news", LATER)
    return replace(link, **changes)  # type: ignore[arg-type]


async def every(world: World, server: ServerId, now: float = NOW) -> list[UnsubscribeLink]:
    found: list[UnsubscribeLink] = []
    cursor: str | None = None
    while True:
        page = await world[UnsubscribeLinks].page(server, now, cursor)
        found += page.values
        if (cursor := page.next_cursor) is None:
            return sorted(found, key=lambda one: one.message)


async def test_a_link_is_found_until_it_is_over(world: World) -> None:
    links, link = world[UnsubscribeLinks], a_link(world.server)
    await links.keep(link)
    assert await links.get(world.server, link.message, NOW) == link
    assert await links.get(world.server, link.message, LATER - 1) == link
    for server, message, now in (
        (world.server, link.message, LATER),
        (world.server, MessageId(2), NOW),
        (a_server_id(), link.message, NOW),
    ):
        with pytest.raises(NotFound):
            await links.get(server, message, now)


async def test_a_link_that_is_kept_again_is_replaced(world: World) -> None:
    links, link = world[UnsubscribeLinks], a_link(world.server)
    await links.keep(link, a_link(world.server, 2))
    again = replace(link, keep_until=LATER + 7, stream="other")
    await links.keep(again)
    assert await links.get(world.server, link.message, NOW) == again
    assert [one.message for one in await every(world, world.server)] == [1, 2]


async def test_all_links_of_a_server_are_read_page_by_page(world: World) -> None:
    links, other = world[UnsubscribeLinks], a_server_id()
    made = [a_link(world.server, number) for number in range(1, 19)]
    await links.keep(*made, a_link(world.server, 20, keep_until=NOW))
    await links.keep(a_link(other))
    assert await every(world, world.server) == made
    assert await every(world, a_server_id()) == []
    await links.keep()
    assert await every(world, other) == [a_link(other)]


async def test_more_than_a_page_comes_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(world[UnsubscribeLinks])
    monkeypatch.setattr(f"{kind.__module__}.AT_ONCE", 2)
    made = [a_link(world.server, number) for number in range(1, 40)]
    await world[UnsubscribeLinks].keep(*made)
    assert await every(world, world.server) == made


async def test_that_somebody_unsubscribed_is_noted_once(world: World) -> None:
    links, link = world[UnsubscribeLinks], a_link(world.server)
    assert not await links.mark(link, NOW, ())
    await links.keep(link)
    assert await links.mark(link, NOW + 0.5, ())
    assert not await links.mark(link, NOW + 9, ())
    marked = replace(link, unsubscribed_at=NOW + 0.5)
    assert await links.get(world.server, link.message, NOW) == marked
    there = ServerId(a_server_id())
    await links.keep(replace(marked, server=there))
    assert await every(world, there) == [replace(marked, server=there)]
    assert not await links.mark(replace(link, server=there), NOW, ())
