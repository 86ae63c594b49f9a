"""The name servers of the zone that has a name, asked without a cache in between (RFC 1034 §5.3.3).

The system's resolver says who serves the top-level zone; from there referrals lead down, so that a delegation made a
minute ago is followed. A server that is lame, fails or keeps silent is passed over for the next. Names, questions and
answers come from strangers: an address that is not public is not asked, a referral counts only when it leads down
towards the name, an address beside it only when it is of the zone asked, and `Budget` bounds it all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.network.dns_client import Exchange, NoAnswer
from chalicelib.domain.dns.message import NO_ERROR, NXDOMAIN, BadMessage
from chalicelib.domain.dns.zone_answer import ZoneAnswer, read_zone_answer
from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.public_address import is_public
from chalicelib.ports.resolver import Resolver

TRY_SECONDS = (5.0, 2.5, 2.5)
SECONDS_TO_AGREE = 2.5
MOST_ZONES = 10
MOST_SERVERS = 6
ADDRESSES_A_SERVER = 2
MAY_DIFFER = ("A", "AAAA")  # which servers give by the reader's place, or some of many


class Budget:
    """What is left of one look-up. Raises NoAnswer when it is used up."""

    def __init__(self, questions: int = 100, size: int = 256 * 1024) -> None:
        self._questions = questions
        self._bytes = size
        self.silent: set[str] = set()

    def take_question(self) -> None:
        """Before each question, whoever is asked."""
        self._questions -= 1
        if self._questions < 0:
            raise NoAnswer

    def take_bytes(self, size: int) -> None:
        """After each answer."""
        self._bytes -= size
        if self._bytes < 0:
            raise NoAnswer


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone, and (name, address) of its servers in the order to ask."""

    name: str
    servers: tuple[tuple[str, str], ...]


class ZoneServers:
    """Answers of zones' own servers, who listen at `port`; with `private` at any address, else at public ones only."""

    def __init__(self, resolver: Resolver, port: int, *, private: bool) -> None:
        self._resolver = resolver
        self._port = port
        self._private = private
        self._exchange = Exchange(read_zone_answer, recursive=False)

    async def answer(self, name: str, kind: str, question: bytes, budget: Budget) -> ZoneAnswer:
        """What the zone has at the name. NoAnswer when nobody says; TemporaryFailure, with the reason, when nobody may
        be asked or two answer differently."""
        zone = await self._top(name, budget)
        for _ in range(MOST_ZONES):
            server, answer = await self._first(zone, name, question, budget)
            if not _leads_down(answer, zone, name) or answer.referral is None:
                if kind not in MAY_DIFFER:
                    await self._confirm(zone, name, question, budget, server, answer)
                return answer
            below = answer.referral
            known = {
                server: addresses
                for server, addresses in below.addresses.items()
                if _is_below(server, zone.name)
            }
            zone = await self._zone(below.zone, below.servers, known, budget)
        raise NoAnswer

    async def _top(self, name: str, budget: Budget) -> Zone:
        """The topmost zone of which the resolver knows the servers: the top-level domain, but for private ones. That it
        knows none proves nothing: so answer resolvers that are cut off."""
        labels = name.split(".")
        for start in range(len(labels) - 1, -1, -1):
            zone = ".".join(labels[start:])
            budget.take_question()
            try:
                servers = await self._resolver.ns(zone)
            except NotFound:
                continue
            except TemporaryFailure:
                raise NoAnswer from None
            if servers:
                return await self._zone(zone, servers, {}, budget)
        raise _unknown(f"No name servers are known for {name}")

    async def _zone(
        self,
        zone: str,
        servers: tuple[str, ...],
        known: Mapping[str, tuple[str, ...]],
        budget: Budget,
    ) -> Zone:
        async def addresses(server: str) -> tuple[str, ...]:
            if found := known.get(server):
                return found
            budget.take_question()
            try:
                return await self._resolver.addresses(server)
            except MailError:
                return ()

        names = servers[:MOST_SERVERS]
        found = await asyncio.gather(*map(addresses, names))
        allowed = [
            [each for each in some if self._private or is_public(each)][:ADDRESSES_A_SERVER]
            for some in map(_four_before_six, found)
        ]
        if any(found) and not any(allowed):
            raise _unknown(f"The name servers of {zone} have no public address")
        pairs = {
            address: server for server, some in zip(names, allowed, strict=True) for address in some
        }
        return Zone(zone, tuple((server, address) for address, server in pairs.items()))

    async def _first(
        self, zone: Zone, name: str, question: bytes, budget: Budget
    ) -> tuple[str, ZoneAnswer]:
        """The first server with an answer that counts, and the answer."""
        waiting = sorted(zone.servers, key=lambda each: each[1] in budget.silent)
        for seconds in TRY_SECONDS:
            silent = []
            for server, address in waiting:
                try:
                    answer = await self._ask(address, question, seconds, budget)
                except TimeoutError:
                    budget.silent.add(address)
                    silent.append((server, address))
                    continue
                if answer is not None and _counts(answer, zone, name):
                    return server, answer
            waiting = silent
        raise NoAnswer

    async def _confirm(
        self,
        zone: Zone,
        name: str,
        question: bytes,
        budget: Budget,
        first: str,
        answer: ZoneAnswer,
    ) -> None:
        """Hear the other servers too. One that says nothing of use is passed over."""

        async def differs(address: str) -> bool:
            try:
                other = await self._ask(address, question, SECONDS_TO_AGREE, budget)
            except TimeoutError:
                return False
            if other is None or not _counts(other, zone, name) or _leads_down(other, zone, name):
                return False
            return other.content != answer.content

        others: dict[str, str] = {}
        for server, address in zone.servers:
            if server != first and address not in budget.silent:
                others.setdefault(server, address)
        answers = await asyncio.gather(*map(differs, others.values()))
        for server, is_different in zip(others, answers, strict=True):
            if is_different:
                raise _unknown(
                    f"The name servers of {zone.name} do not agree about {name}:"
                    f" {first} and {server} answer differently"
                )

    async def _ask(
        self, address: str, question: bytes, seconds: float, budget: Budget
    ) -> ZoneAnswer | None:
        """None for an error of the network or an answer that nobody can read; TimeoutError."""
        budget.take_question()
        try:
            answer = await self._exchange.ask((address, self._port), question, seconds)
        except TimeoutError:
            raise
        except (OSError, BadMessage):
            return None
        budget.take_bytes(answer.size)
        return answer


def _counts(answer: ZoneAnswer, zone: Zone, name: str) -> bool:
    """Whether it is the zone's own word, or leads on."""
    if answer.code not in (NO_ERROR, NXDOMAIN):
        return False
    return answer.authoritative or _leads_down(answer, zone, name)


def _leads_down(answer: ZoneAnswer, zone: Zone, name: str) -> bool:
    below = answer.referral
    if below is None or answer.code != NO_ERROR:
        return False
    return _is_below(below.zone, zone.name) and (name == below.zone or _is_below(name, below.zone))


def _is_below(name: str, zone: str) -> bool:
    return name.endswith(f".{zone}")


def _four_before_six(addresses: tuple[str, ...]) -> list[str]:
    """Not every host has a way to IPv6, and where there is none it may take time to see that."""
    return sorted(addresses, key=lambda each: ":" in each)


def _unknown(text: str) -> TemporaryFailure:
    return TemporaryFailure(f"{text}.", reply=Reply(451, "4.4.3", text))
