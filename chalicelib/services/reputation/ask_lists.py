"""Asks lists for addresses and names: whether each list is worth believing first, and then at most AT_ONCE questions of
one list at a time.

A list that is slow has LIST_SECONDS in all, and keeps no other waiting. What it does not say counts for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from chalicelib.domain.dns.block_lists import (
    BlockList,
    Standing,
    is_listed,
    standing_of,
    told_text,
)
from chalicelib.domain.errors import MailError
from chalicelib.domain.outgoing.listed_sources import Told
from chalicelib.ports.resolver import Resolver
from chalicelib.services.gather import gather

AT_ONCE = 4
PATIENCE_SECONDS = 5.0  # with one question
LIST_SECONDS = 60.0


class AskLists:
    """Asks them, by the resolver that everything is asked by."""

    def __init__(self, resolver: Resolver, patience: float = PATIENCE_SECONDS) -> None:
        self._resolver = resolver
        self._patience = patience

    async def ask(
        self, lists: Sequence[BlockList], addresses: Collection[str], names: Collection[str]
    ) -> list[Told]:
        """What each of the lists says: of the addresses, or of the names if it is a list of names. Never fails."""
        return await gather(self._asked(one, names if one.of_names else addresses) for one in lists)

    async def _asked(self, given: BlockList, things: Collection[str]) -> Told:
        told = Told(given, await self._standing(given), tuple(things))
        if told.standing is not Standing.GOOD:
            return told
        free = asyncio.Semaphore(AT_ONCE)
        with suppress(TimeoutError):
            async with asyncio.timeout(LIST_SECONDS):
                await gather(self._one(told, thing, free) for thing in things)
        return told

    async def _standing(self, given: BlockList) -> Standing:
        tests = given.listed_tests
        answers = await gather(
            self._answers(given.question(one)) for one in (*tests, *given.unlisted_tests)
        )
        return standing_of(answers[: len(tests)], answers[len(tests) :])

    async def _one(self, told: Told, thing: str, free: asyncio.Semaphore) -> None:
        async with free:
            name = told.list.question(thing)
            found = is_listed(await self._answers(name), told.list.answers)
            if found:
                told.listed[thing] = await self._words(name)
            elif found is False:
                told.unlisted.add(thing)

    async def _answers(self, name: str) -> tuple[str, ...] | None:
        """The addresses that a name has; None for no firm answer."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._resolver.addresses(name, whole=True)
        except (MailError, TimeoutError):
            return None

    async def _words(self, name: str) -> str:
        """What the list says of it, empty where it says nothing now."""
        try:
            async with asyncio.timeout(self._patience):
                return told_text(await self._resolver.txt(name))
        except (MailError, TimeoutError):
            return ""
