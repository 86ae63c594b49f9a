"""The `Resolver` port over our DNS client, with a cache that costs a dictionary look-up.

Answers are kept for their TTL, but no less than 5 seconds and no more than an hour; that a name or
type does not exist is kept for the zone's negative TTL within the same bounds, a failure for 5
seconds. Equal questions under way share one answer. The system's resolver, or the one in the
settings, is trusted; DNSSEC is its business.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Any

from chalicelib.adapters.network.dns_client import DnsClient, NoAnswer, server_of, system_servers
from chalicelib.config import Settings
from chalicelib.domain.dns.message import NXDOMAIN, BadName, question_of
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.resolver import Resolver

SHORTEST = 5
LONGEST = 3_600
MOST_ENTRIES = 10_000
TRY_SECONDS = 5.0
TRIES = 2

Answer = tuple[Any, ...]
Key = tuple[str, str]


class DnsResolver(Resolver):
    """DNS answers, from `settings.dns_server` ("host:port") or else the system's resolvers. The
    clock ages the cache; `try_seconds` is what one of two tries may take."""

    def __init__(
        self, settings: Settings, clock: Clock, *, try_seconds: float = TRY_SECONDS
    ) -> None:
        servers = [server_of(settings.dns_server)] if settings.dns_server else system_servers()
        self._client = DnsClient(servers, try_seconds, TRIES)
        self._now = clock.monotonic
        self._cache: dict[Key, tuple[float, Answer | MailError]] = {}
        self._running: dict[Key, asyncio.Future[None]] = {}

    async def mx(self, domain: str) -> tuple[tuple[int, str], ...]:
        """See `chalicelib.ports.resolver.Resolver.mx`."""
        return await self._ask(domain, "MX")

    async def addresses(self, host: str, *, whole: bool = False) -> tuple[str, ...]:
        """See `chalicelib.ports.resolver.Resolver.addresses`. `localhost` needs no DNS (RFC 6761 §6.3)."""
        if host.rstrip(".").lower() == "localhost":
            return ("::1", "127.0.0.1")
        six, four = self._kept((host, "AAAA")), self._kept((host, "A"))
        if isinstance(six, tuple) and isinstance(four, tuple):
            return six + four
        families = await asyncio.gather(
            self._ask(host, "AAAA"), self._ask(host, "A"), return_exceptions=True
        )
        found: Answer = ()
        failures = []
        for family in families:
            if isinstance(family, tuple):
                found += family
            elif isinstance(family, TemporaryFailure):
                failures.append(family)
            elif not isinstance(family, NotFound):
                raise family
        if failures and (whole or not found):
            raise failures[0]
        return found

    async def txt(self, name: str) -> tuple[str, ...]:
        """See `chalicelib.ports.resolver.Resolver.txt`."""
        return await self._ask_or_empty(name, "TXT")

    async def cname(self, name: str) -> str | None:
        """See `chalicelib.ports.resolver.Resolver.cname`."""
        found = await self._ask_or_empty(name, "CNAME")
        return str(found[0]) if found else None

    async def ns(self, zone: str) -> tuple[str, ...]:
        """See `chalicelib.ports.resolver.Resolver.ns`."""
        return await self._ask(zone, "NS")

    async def ptr(self, address: str, *, whole: bool = False) -> tuple[str, ...]:
        """See `chalicelib.ports.resolver.Resolver.ptr`."""
        try:
            return await self._ask(ip_address(address).reverse_pointer, "PTR")
        except TemporaryFailure:
            if whole:
                raise
            return ()
        except (MailError, ValueError):
            return ()

    async def _ask_or_empty(self, name: str, kind: str) -> Answer:
        try:
            return await self._ask(name, kind)
        except NotFound:
            return ()

    async def _ask(self, name: str, kind: str) -> Answer:
        """From the cache, or from DNS. Keys are names as given, since most come again as they are."""
        key = (name, kind)
        value = self._kept(key)
        while value is None and key in self._running:
            # Whoever asks the same waits; if the one who asked is cancelled, the next one asks again.
            await asyncio.shield(self._running[key])
            value = self._kept(key)
        if value is None:
            value = await self._look_up(key)
        if isinstance(value, MailError):
            raise type(value)(value.public, reply=value.reply)
        return value

    def _kept(self, key: Key) -> Answer | MailError | None:
        entry = self._cache.get(key)
        if entry is None or entry[0] < self._now():
            return None
        return entry[1]

    async def _look_up(self, key: Key) -> Answer | MailError:
        done = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            seconds, value = await self._resolve(*key)
            self._keep(key, seconds, value)
            return value
        finally:
            del self._running[key]
            done.set_result(None)

    async def _resolve(self, name: str, kind: str) -> tuple[float, Answer | MailError]:
        """Seconds to keep, and the answer or what it means that there is none."""
        missing = no_such_name(name)
        try:
            question = question_of(ascii_name(name), kind)
        except BadName:
            return LONGEST, missing
        try:
            answer = await self._client.ask(question)
        except NoAnswer:
            return SHORTEST, no_answer_for(name)
        seconds = SHORTEST if answer.seconds is None else answer.seconds
        return seconds, missing if answer.code == NXDOMAIN else answer.values

    def _keep(self, key: Key, seconds: float, value: Answer | MailError) -> None:
        if len(self._cache) >= MOST_ENTRIES:
            for old in list(self._cache)[: MOST_ENTRIES // 10]:
                del self._cache[old]
        self._cache.pop(key, None)
        self._cache[key] = (self._now() + min(max(seconds, SHORTEST), LONGEST), value)


def no_such_name(name: str) -> NotFound:
    """What NXDOMAIN means."""
    return NotFound(f"The domain {name[:255]} does not exist.")


def no_answer_for(name: str) -> TemporaryFailure:
    """What SERVFAIL, a refusal or silence of all name servers means."""
    reply = Reply(451, "4.4.3", f"The name servers of {name[:255]} do not answer")
    return TemporaryFailure(f"{reply.text}.", reply=reply)


def ascii_name(name: str) -> str:
    """The name in ASCII (`domain.domain_name`); one that is already is not judged, since DNS has more than host names.
    Raises BadName."""
    found = name if name.isascii() else typed_name(name)
    if found is None:
        raise BadName("The name has no ASCII form.")
    return found
