"""The `NameServers` port: what a domain's own name servers say, or the one in the settings.

Aliases are followed here, a name at a time, since each may lie in a zone of its own. A look-up is bounded in time,
questions and bytes, and nothing of it is kept for the next.
"""

from __future__ import annotations

import asyncio
import contextlib

from chalicelib.adapters.network.dns_client import Exchange, NoAnswer, server_of
from chalicelib.adapters.network.resolver import ascii_name, no_answer_for
from chalicelib.adapters.network.zone_servers import TRY_SECONDS, Budget, ZoneServers
from chalicelib.config import Settings
from chalicelib.domain.dns.message import (
    NO_ERROR,
    NXDOMAIN,
    BadMessage,
    BadName,
    Value,
    question_of,
)
from chalicelib.domain.dns.zone_answer import ZoneAnswer, read_zone_answer
from chalicelib.ports.name_servers import NameServers
from chalicelib.ports.resolver import Resolver

MOST_ALIASES = 8
LOOK_UP_SECONDS = 18.0


class DnsNameServers(NameServers):
    """Asks `settings.dns_server` ("host:port") alone when it is set, else the name servers of the zone that has the
    name. `resolver` finds top-level zones and addresses of name servers; `port` is where those listen."""

    def __init__(self, settings: Settings, resolver: Resolver, *, port: int = 53) -> None:
        self._zones = ZoneServers(resolver, port, private=settings.allow_private_destinations)
        self._server = server_of(settings.dns_server) if settings.dns_server else None
        self._exchange = Exchange(read_zone_answer, recursive=True)

    async def published(self, name: str, kind: str) -> tuple[str, ...]:
        """See `chalicelib.ports.name_servers.NameServers.published`."""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await self._values(ascii_name(name).rstrip(".").lower(), kind)
        except BadName:  # of the name, or of one that an alias leads to
            return ()
        except (NoAnswer, TimeoutError):
            raise no_answer_for(name) from None

    async def _values(self, name: str, kind: str) -> tuple[str, ...]:
        budget, seen = Budget(), {name}
        for _ in range(1 + MOST_ALIASES):
            answer = await self._answer(name, kind, budget)
            if answer.alias is None or answer.alias in seen:
                values = answer.values[:1] if kind == "CNAME" else answer.values
                return tuple(map(as_text, values))
            name = answer.alias
            seen.add(name)
        return ()

    async def _answer(self, name: str, kind: str, budget: Budget) -> ZoneAnswer:
        question = question_of(name, kind)
        if self._server is None:
            return await self._zones.answer(name, kind, question, budget)
        for seconds in TRY_SECONDS:
            with contextlib.suppress(OSError, TimeoutError, BadMessage):
                answer = await self._exchange.ask(self._server, question, seconds)
                if answer.code in (NO_ERROR, NXDOMAIN):
                    return answer
        raise NoAnswer


def as_text(value: Value) -> str:
    """A value as a zone file has it: an MX as `10 mx.example.com`, its preference first."""
    return value if isinstance(value, str) else f"{value[0]} {value[1] or '.'}"
