"""Tickets: made with a token that is shown once, and taken a few times until they end (api.md 2.3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import key_digest, random_alphanumerics
from chalicelib.domain.people.owners import of_ticket, of_user
from chalicelib.domain.people.tickets import TICKETS, TICKETS_OF_USER, Ticket, TicketPurpose
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository

TICKET_SECONDS = 300
MOST_TRIES = 5
TOKEN_LENGTH = 32
LONGEST_TOKEN = 128


class Tickets:
    """Gives and takes them."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def give(
        self,
        purpose: TicketPurpose,
        user: str = "",
        said: str = "",
        seconds: int = TICKET_SECONDS,
    ) -> str:
        """The token of a new ticket for a user, or (empty) for nobody yet, that remembers what is `said`."""
        token = random_alphanumerics(self._rand.bytes(64), TOKEN_LENGTH)
        now = int(self._clock.now())
        ticket = Ticket(key_digest(token), purpose, user, now, now + seconds, said=said)
        await self._repository.add(TICKETS, ticket)
        return token

    async def take(self, token: str, *purposes: TicketPurpose) -> Ticket:
        """The ticket of a token for one of the purposes, with this try counted; NotFound when it has ended, was tried
        too often, or never was."""

        def tried(one: Ticket) -> Ticket:
            # The try counts before anybody knows whether it is right, so that no two share one.
            if not self._is_open(one) or one.purpose not in purposes:
                raise TICKETS.missing()
            return replace(one, tries=one.tries + 1)

        if not token or len(token) > LONGEST_TOKEN:
            raise TICKETS.missing()
        place = Place(of_ticket(key_digest(token)))
        return await self._repository.modify(TICKETS, place, tried)

    async def look(self, token: str, *purposes: TicketPurpose) -> Ticket:
        """The same, without a try."""
        if not token or len(token) > LONGEST_TOKEN:
            raise TICKETS.missing()
        found = await self._repository.get(TICKETS, Place(of_ticket(key_digest(token))))
        if not self._is_open(found) or found.purpose not in purposes:
            raise TICKETS.missing()
        return found

    async def end(self, ticket: Ticket) -> None:
        """It was used: NotFound when somebody else did so at the same time, and then it must have no effect."""
        await self._repository.remove(TICKETS, ticket)

    async def end_of(self, user: str) -> None:
        """End all that a user has."""
        for ticket in await self._repository.all(TICKETS, of_user(user), TICKETS_OF_USER):
            with suppress(NotFound):
                await self._repository.remove(TICKETS, ticket)

    def _is_open(self, ticket: Ticket) -> bool:
        return ticket.tries < MOST_TRIES and self._clock.now() < ticket.expires_at
