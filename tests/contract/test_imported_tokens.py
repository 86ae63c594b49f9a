"""Imported tokens: found as they were written until they are over, read whole for a move, forgotten by recipient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id

LATER = NOW + 86_400


def a_token(server: ServerId, message: int = 1, **changes: object) -> ImportedToken:
    token = ImportedToken(
        server, f"Hiv3AHdJniF{message:05d}", MessageId(message), LATER, 0, "ada@example.com"
    )
    return replace(token, **changes)  # type: ignore[arg-type]


async def every(world: World, server: ServerId, now: float = NOW) -> list[ImportedToken]:
    found: list[ImportedToken] = []
    cursor: str | None = None
    while True:
        page = await world[ImportedTokens].page(server, now, cursor)
        found += page.values
        if (cursor := page.next_cursor) is None:
            return sorted(found, key=lambda one: (one.message, one.link))


async def test_a_token_is_found_as_it_was_written_until_it_is_over(world: World) -> None:
    tokens, one = world[ImportedTokens], a_token(world.server)
    link = a_token(world.server, token="bTEvc4VHToqnIQBN", link=3, recipient="")
    await tokens.keep([one, link])
    await tokens.keep([])
    assert await tokens.get(world.server, one.token, NOW) == one
    assert await tokens.get(world.server, link.token, LATER - 1) == link
    for server, token, now in (
        (world.server, one.token, LATER),
        (world.server, one.token.swapcase(), NOW),
        (world.server, "", NOW),
        (world.server, "\ud800", NOW),
        (a_server_id(), one.token, NOW),
    ):
        with pytest.raises(NotFound):
            await tokens.get(server, token, now)


async def test_a_token_that_is_kept_again_is_replaced(world: World) -> None:
    tokens, one = world[ImportedTokens], a_token(world.server)
    await tokens.keep([one])
    again = replace(one, keep_until=LATER + 7, recipient="")
    await tokens.keep([one, again])
    assert await tokens.get(world.server, one.token, NOW) == again
    assert await every(world, world.server) == [again]


async def test_all_tokens_of_a_server_are_read_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(world[ImportedTokens])
    monkeypatch.setattr(f"{kind.__module__}.AT_ONCE", 3)
    made = [a_token(world.server, number) for number in range(1, 40)]
    over = a_token(world.server, 50, keep_until=NOW)
    await world[ImportedTokens].keep([*made, over, a_token(a_server_id())])
    assert await every(world, world.server) == made
    assert await every(world, a_server_id()) == []


async def test_those_of_a_recipient_are_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(world[ImportedTokens])
    monkeypatch.setattr(f"{kind.__module__}.AT_ONCE", 2)
    other = a_server_id()
    mine = [a_token(world.server, number) for number in range(1, 8)]
    bobs = a_token(world.server, 8, recipient="bob@example.com")
    link = a_token(world.server, 9, recipient="", link=1)
    await world[ImportedTokens].keep([*mine, bobs, link, a_token(other)])
    gone = await world[ImportedTokens].forget(world.server, "ADA@example.com")
    assert gone == [one.message for one in mine]
    assert await every(world, world.server) == [bobs, link]
    assert await every(world, other) == [a_token(other)]
    assert await world[ImportedTokens].forget(world.server, "ada@example.com") == []
    assert await world[ImportedTokens].forget(world.server, "") == []
