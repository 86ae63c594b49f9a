"""What of a server needs somebody's attention, most urgent first (api.md 2.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from chalicelib.domain.durations import DAY
from chalicelib.domain.figures import Rates
from chalicelib.domain.limits.limit import Usage
from chalicelib.domain.limits.rates import Measured
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, of_keys
from chalicelib.domain.tenancy.owners import of_pool, of_server
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import Flagged
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.gather import gather
from chalicelib.services.tenancy.domain_states import DomainStates

T = TypeVar("T")

FAILING_SECONDS = 900
BACKLOG_SECONDS = 900
EXPIRING_SECONDS = 14 * DAY
BOUNCE_RATE = 0.05
COMPLAINT_RATE = 0.0008
_MOST_NAMED = 3


class AttentionCode(StrEnum):
    """Wire words, in the order of their urgency."""

    SUSPENDED = "suspended"
    DNS_FAILING = "dns_failing"
    WEBHOOK_FAILING = "webhook_failing"
    ENDPOINT_DISABLED = "endpoint_disabled"
    BACKLOG = "backlog"
    HELD = "held"
    LIMIT = "limit"
    COMPLAINT_RATE = "complaint_rate"
    BOUNCE_RATE = "bounce_rate"
    KEY_EXPIRING = "key_expiring"
    SOURCE_SUSPENDED = "source_suspended"


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that is not as it should be; `since` (epoch seconds) is None where nobody knows, `count` is of how many
    things or messages it is true."""

    code: AttentionCode
    since: float | None = None
    count: int = 1
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked at already."""

    held: Flagged
    queued: Flagged
    rates: Rates
    complaints: int
    failed: int
    usages: Sequence[Usage]
    measured: Sequence[Measured] = ()


class LookAfter:
    """Looks at what belongs to a server."""

    def __init__(
        self, clock: Clock, repository: Repository, states: DomainStates, lanes: WebhookLanes
    ) -> None:
        self._clock = clock
        self._repository = repository
        self._states = states
        self._lanes = lanes

    async def look(self, server: Server, known: Known) -> tuple[list[bool], list[Attention]]:
        """Whether each of its domains is good, and what needs attention."""
        now = self._clock.now()
        good: list[bool] = []
        parts = await gather(
            (
                self._domains(server, good),
                self._webhooks(server, now),
                self._endpoints(server),
                self._keys(server, now),
                self._sources(server, now),
            )
        )
        found = [*_suspended(server), *_mail(known, now), *_figures(server, known)]
        found += [one for part in parts for one in part]
        order = list(AttentionCode)
        return good, sorted(found, key=lambda one: order.index(one.code))

    async def _domains(self, server: Server, good: list[bool]) -> Iterable[Attention]:
        """`good` is told whether each is."""
        domains = await self._repository.all(DOMAINS, of_server(server.id))
        states = await self._states.of_each(domains)
        good += [_is_good(*one) for one in zip(domains, states, strict=True)]
        return _dns(domains, states, good)

    async def _webhooks(self, server: Server, now: float) -> Iterable[Attention]:
        webhooks = await self._repository.all(WEBHOOKS, of_server(server.id))
        lanes = await gather(self._lanes.get(server.id, one.id) for one in webhooks)
        failing: list[tuple[Webhook, float | None]] = []
        for one, lane in zip(webhooks, lanes, strict=True):
            since = lane.failing_since
            if one.disabled_reason or (since is not None and now - since >= FAILING_SECONDS):
                failing.append((one, since if one.disabled_at is None else one.disabled_at))
        return _some(
            AttentionCode.WEBHOOK_FAILING,
            failing,
            [since for _, since in failing],
            lambda one: one[0].name,
        )

    async def _endpoints(self, server: Server) -> Iterable[Attention]:
        endpoints = await self._repository.all(ENDPOINTS, of_server(server.id))
        disabled = [one for one in endpoints if not one.enabled and one.disabled_reason]
        since = [one.disabled_at for one in disabled]
        return _some(AttentionCode.ENDPOINT_DISABLED, disabled, since, lambda one: one.name)

    async def _keys(self, server: Server, now: float) -> Iterable[Attention]:
        """Those of the server, and those of its organization that reach it."""
        ours = await self._repository.all(CREDENTIALS, of_server(server.id))
        theirs = await self._repository.all(MANAGEMENT_KEYS, of_keys(server.organization_id))
        ends = [(one.name, one.expires_at) for one in ours]
        ends += [
            (one.name, one.expires_at)
            for one in theirs
            if one.servers is None or server.id in one.servers
        ]
        soon = [
            (name, at) for name, at in ends if at is not None and now < at <= now + EXPIRING_SECONDS
        ]
        begun = [float(at - EXPIRING_SECONDS) for _, at in soon]
        return _some(AttentionCode.KEY_EXPIRING, soon, begun, lambda one: one[0])

    async def _sources(self, server: Server, now: float) -> Iterable[Attention]:
        """Whose they are, a customer need not know."""
        sources = await self._repository.all(SOURCES, of_pool(server.pool))
        left_alone = [one for one in sources if one.is_suspended(now)]
        return (
            [Attention(AttentionCode.SOURCE_SUSPENDED, count=len(left_alone))] if left_alone else []
        )


def _is_good(domain: Domain, state: DomainState) -> bool:
    return state.records_ok and domain.verified_at is not None and state.failed_since is None


def _suspended(server: Server) -> Iterable[Attention]:
    if server.is_suspended:
        since, why = server.suspended_at, server.suspension_reason
        yield Attention(AttentionCode.SUSPENDED, since, detail=why)


def _dns(
    domains: Sequence[Domain], states: Sequence[DomainState], good: Sequence[bool]
) -> Iterable[Attention]:
    bad = [
        (domain, state)
        for domain, state, is_good in zip(domains, states, good, strict=True)
        if not is_good
    ]
    since = [None if state.failed_since is None else float(state.failed_since) for _, state in bad]
    return _some(AttentionCode.DNS_FAILING, bad, since, lambda one: one[0].name)


def _mail(known: Known, now: float) -> Iterable[Attention]:
    queued, held = known.queued, known.held
    if queued.oldest_at is not None and now - queued.oldest_at >= BACKLOG_SECONDS:
        yield Attention(AttentionCode.BACKLOG, queued.oldest_at, queued.count)
    if held.count:
        yield Attention(AttentionCode.HELD, held.oldest_at, held.count)


def _figures(server: Server, known: Known) -> Iterable[Attention]:
    near = [one for one in known.usages if one.is_near]
    yield from _some(
        AttentionCode.LIMIT,
        near,
        (),
        lambda one: f"{one.limit.line.name}: {one.used} of {one.limit.most}",
    )
    limited = [one for rate in Rate for one in rate_attention(rate, server, known.measured)]
    yield from limited
    told, rates = {one.code for one in limited}, known.rates
    complained = None if AttentionCode.COMPLAINT_RATE in told else rates.complained
    bounced = None if AttentionCode.BOUNCE_RATE in told else rates.bounced
    if complained is not None and complained >= COMPLAINT_RATE:
        detail = f"{complained:.2%} of the mail of 30 days"
        yield Attention(AttentionCode.COMPLAINT_RATE, None, known.complaints, detail)
    if bounced is not None and bounced >= BOUNCE_RATE:
        detail = f"{bounced:.1%} of the mail of 30 days"
        yield Attention(AttentionCode.BOUNCE_RATE, None, known.failed, detail)


def rate_attention(rate: Rate, server: Server, measured: Sequence[Measured]) -> list[Attention]:
    """That a rate holds new mail of the server or its streams, or else that it comes near to doing so."""
    code = AttentionCode(rate.value)
    holds = [one for one in server.rate_holds if one.rate is rate]
    if holds:
        since = [float(one.since) for one in holds]
        return _some(code, holds, since, lambda one: _held_for(one.stream, one.limit))
    near = [one for one in measured if one.rate is rate and one.is_near]
    return _some(code, near, (), lambda one: f"{one.percent:g} % in 24 hours{_limit(one)}")


def _held_for(stream: str, limit: float) -> str:
    whose = f"of the stream {stream} " if stream else ""
    return f"new mail {whose}is held above {limit:g} %"


def _limit(one: Measured) -> str:
    whose = f" in the stream {one.stream}" if one.stream else ""
    return f"{whose}, and new mail is held above {one.limit:g} %"


def _some(
    code: AttentionCode,
    things: Sequence[T],
    since: Iterable[float | None],
    name: Callable[[T], str],
) -> list[Attention]:
    """One for all of a kind, with the first names; nothing for none."""
    if not things:
        return []
    earliest = min((one for one in since if one is not None), default=None)
    named = ", ".join(map(name, things[:_MOST_NAMED]))
    more = len(things) - _MOST_NAMED
    return [
        Attention(code, earliest, len(things), f"{named} and {more} more" if more > 0 else named)
    ]
