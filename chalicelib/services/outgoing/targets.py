"""Where a message may be handed over: the addresses of its recipient's hosts, or of a smarthost, in order.

Names are asked as they are needed, within the attempt's deadline. Nothing is connected to here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from ipaddress import ip_address
from typing import TypeVar

from chalicelib.config import Settings
from chalicelib.domain.envelope import Target
from chalicelib.domain.errors import NotFound, SourceUnavailable, TemporaryFailure
from chalicelib.domain.outgoing.choose_source import can_reach, why_unused
from chalicelib.domain.outgoing.destination import hosts_in_order, literal_address, missing_domain
from chalicelib.domain.outgoing.reverse_names import version_of
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.public_address import is_public
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver
from chalicelib.services.outgoing.smtp_attempt import SmtpAttempt

T = TypeVar("T")

_UNUSED = "Source {} does not send by {} to {}: {}"
NO_NAMES = "The name servers did not answer in time."


class FindTargets:
    """Targets of a message by a way out."""

    def __init__(self, settings: Settings, rand: Rand, resolver: Resolver) -> None:
        self._settings = settings
        self._rand = rand
        self._resolver = resolver

    async def find(
        self, source: EgressSource, attempt: SmtpAttempt
    ) -> AsyncIterator[tuple[Target, int]]:
        """Where to try, AAAA before A at each host (contract 4.16), and how many more there are: each host that was
        not looked up yet counts as one. Raises TemporaryFailure and PermanentFailure for what DNS says of the
        domain, SourceUnavailable when the source uses none of the families that would lead there. Once all were tried
        in vain, the attempt says an address that the source does not go to."""
        if source.kind is EgressKind.SMARTHOST:
            addresses = await within(attempt, self._operator_addresses(source.host))
            for number, address in enumerate(addresses, 1):
                yield Target(source.host, address, source.port), len(addresses) - number
            return
        port = self._settings.delivery_port
        beyond, passed_over, is_any = "", "", False
        async for host, address, others in self._addresses(attempt):
            if not self._settings.allow_private_delivery and not is_public(address):
                attempt.private = True
            elif reason := self._why_unused(source, address):
                beyond = beyond or address
                passed_over = passed_over or _UNUSED.format(
                    source.name, _family(address), host, reason
                )
            elif can_reach(source, address):
                is_any = True
                attempt.reached = True
                yield Target(host, address, port), others
            else:
                beyond = beyond or address
                no_way = f"{source.name} has no way to {address} ({host})."
                attempt.last_failure = attempt.last_failure or TemporaryFailure(no_way)
        attempt.passed_over = beyond
        if passed_over and not is_any:
            raise SourceUnavailable(passed_over)

    def goes_to(self, source: EgressSource, address: str) -> bool:
        """Whether a source would try this address of a receiver."""
        return can_reach(source, address) and not self._why_unused(source, address)

    def _why_unused(self, source: EgressSource, address: str) -> str:
        return why_unused(source, address) if self._settings.needs_reverse_names else ""

    async def _addresses(self, attempt: SmtpAttempt) -> AsyncIterator[tuple[str, str, int]]:
        literal = literal_address(attempt.domain)
        if literal is not None:
            yield attempt.domain, literal, 0
            return
        try:
            records = await within(attempt, self._resolver.mx(attempt.domain))
        except NotFound as missing:
            raise missing_domain(attempt.tries) from missing
        draws = iter([self._rand.uniform() for _ in records])
        hosts = hosts_in_order(attempt.domain, records, draws)
        attempt.exchange = min(records)[1] if records else attempt.domain
        for place, host in enumerate(hosts, 1):
            if attempt.seconds_left <= 0:
                return
            try:
                addresses = await within(attempt, self._resolver.addresses(host))
            except TemporaryFailure as away:
                attempt.tried.append(host)
                attempt.last_failure = away
                continue
            if not addresses:
                attempt.tried.append(host)
                nothing = "has no address." if records else "has no MX and no address."
                attempt.last_failure = attempt.last_failure or TemporaryFailure(f"{host} {nothing}")
            for number, address in enumerate(addresses, 1):
                yield host, address, len(addresses) - number + len(hosts) - place

    async def _operator_addresses(self, host: str) -> Sequence[str]:
        try:
            return (str(ip_address(host)),)
        except ValueError:
            return await self._resolver.addresses(host)


def _family(address: str) -> str:
    return f"IPv{version_of(address)}"


async def within(attempt: SmtpAttempt, question: Awaitable[T]) -> T:
    """What the name servers say within the deadline."""
    try:
        async with asyncio.timeout(attempt.seconds_left):
            return await question
    except TimeoutError as late:
        raise TemporaryFailure(NO_NAMES, reply=Reply(451, "4.4.3", NO_NAMES)) from late
