"""The index of mail finds all that a query holds for, a page after the other, and nothing of what was forgotten."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import EVERY_MESSAGE
from chalicelib.ports.mail_index import MailIndex
from tests.contract.conftest import World
from tests.fakes import NOW, a_server_id
from tests.findables import findable, waiting

QUERIES = (
    "to:user3@example1.test",
    "to:*@example2.test",
    "from:app@acme.example status:sent",
    "invoice",
    "invo* tag:receipt",
    '"your invoice"',
    "tag:receipt tag:welcome -status:sent",
    "status:held",
    "status:queued",
    "msgid:m17@acme.example",
    "meta.order:7",
    "size:>5000",
    "spam:yes",
    "opened:no subject:welcome",
    "before:2026-03-23 after:2026-03-20",
    "order:oldest-first invoice",
    "order:oldest-first size:<3000",
    "",
)


def mail(
    world: World, dice: random.Random, number: int, server: ServerId | None = None
) -> Findable:
    """One of many that have much in common, of the world's server or another."""
    made = waiting if dice.random() < 0.1 else findable
    return made(
        server=server or world.server,
        message=MessageId(number),
        scope=dice.choice([Scope.OUTGOING, Scope.OUTGOING, Scope.INCOMING]),
        version=dice.randrange(3),
        received_at=NOW + number * 3_600 + dice.random(),
        token=f"token{number}",
        rcpt_to=f"User{dice.randrange(9)}@example{dice.randrange(4)}.test",
        subject=dice.choice(["Welcome aboard", "Your invoice", "An invoice for you, é", "\ud83d"]),
        message_id=f"m{number}@acme.example",
        size=dice.randrange(10_000),
        tag=dice.choice(["", "receipt", "welcome"]),
        metadata={"order": str(dice.randrange(9))} if dice.random() < 0.5 else {},
        is_spam=dice.random() < 0.1,
        is_opened=dice.random() < 0.5,
        **({} if made is waiting else {"statuses": (dice.choice(["sent", "sent", "held"]),)}),
    )


async def all_pages(
    world: World, text: str, scope: Scope | None = None, limit: int = 7
) -> list[MessageId]:
    """Every candidate, page by page."""
    query, after = parse_query(text, NOW), None
    found: list[MessageId] = []
    while True:
        page = await world[MailIndex].find(world.server, scope, query, limit, after)
        assert len(page.messages) <= limit
        found += page.messages
        if page.next is None:
            return found
        assert after is None or page.next != after
        after = page.next


def wanted(text: str, known: Iterable[Findable], scope: Scope | None = None) -> list[MessageId]:
    query = parse_query(text, NOW)
    found = [one.message for one in known if scope in (None, one.scope) and holds(query, one)]
    return sorted(found, reverse=not query.is_oldest_first)


async def agrees(world: World, known: Sequence[Findable], scope: Scope | None = None) -> None:
    """Whether each query finds what it holds for, in order and once."""
    numbers = {one.message for one in known}
    for text in QUERIES:
        found = await all_pages(world, text, scope)
        backwards = not parse_query(text, NOW).is_oldest_first
        assert found == sorted(set(found), reverse=backwards), text
        assert set(found) <= numbers, text
        assert set(wanted(text, known, scope)) <= set(found), text


async def test_every_query_finds_what_it_holds_for(world: World) -> None:
    dice, index = random.Random(1), world[MailIndex]
    known = {number: mail(world, dice, number) for number in range(1, 200)}
    for start in range(1, 200, 40):
        await index.put([known[n] for n in range(start, min(start + 40, 200))])
    other = a_server_id()
    await index.put([mail(world, dice, number, other) for number in range(1, 50)])
    await agrees(world, list(known.values()))
    await agrees(world, list(known.values()), Scope.INCOMING)


async def test_what_was_told_later_is_found_whatever_the_order(world: World) -> None:
    dice, index = random.Random(2), world[MailIndex]
    known = {number: mail(world, dice, number) for number in range(1, 60)}
    older = [replace(one, version=one.version - 1, subject="Older") for one in known.values()]
    await index.put(list(known.values()))
    await index.put(older)
    await index.put(list(known.values())[:20])
    await agrees(world, list(known.values()))


async def test_tidying_changes_nothing_that_is_found(world: World) -> None:
    dice, index = random.Random(3), world[MailIndex]
    known: dict[int, Findable] = {}
    for round_ in range(20):
        changed = [mail(world, dice, dice.randrange(1, 150)) for _ in range(15)]
        changed = [replace(one, version=round_) for one in changed]
        known |= {one.message: one for one in changed}
        await index.put(changed)
    before = await all_pages(world, "", limit=1_000)
    await index.tidy(60)
    assert await all_pages(world, "", limit=1_000) == before
    await agrees(world, list(known.values()))


@pytest.mark.parametrize("later", [False, True])
async def test_what_was_forgotten_is_found_no_more(world: World, later: bool) -> None:
    dice, index = random.Random(4), world[MailIndex]
    known = {number: mail(world, dice, number) for number in range(1, 40)}
    for number, one in known.items():
        await index.put([one])
        if number == 30:
            await index.tidy(60)
    gone = [MessageId(number) for number in (1, 7, 29, 35, 99)]
    await index.forget(world.server, gone, words_later=later)
    await index.forget(world.server, gone, words_later=later)
    world.clock.advance(DAY)
    await index.tidy(60)
    left = [one for one in known.values() if one.message not in gone]
    assert set(await all_pages(world, "")) == {one.message for one in left}
    await agrees(world, left)


async def test_a_whole_server_is_forgotten(world: World) -> None:
    dice, index = random.Random(5), world[MailIndex]
    await index.put([mail(world, dice, number) for number in range(1, 30)])
    while await index.forget_server(world.server):
        pass
    world.clock.advance(DAY)
    await index.tidy(60)
    assert await all_pages(world, "") == await all_pages(world, "invoice") == []


async def test_nothing_told_is_nothing_found(world: World) -> None:
    await world[MailIndex].put([])
    page = await world[MailIndex].find(world.server, None, EVERY_MESSAGE, 10)
    assert (page.messages, page.next, page.searched_to) == ((), None, None)
