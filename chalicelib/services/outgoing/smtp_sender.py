"""Hands one message to a receiving server: which way out, which hosts in which order, and what the
end means.

Never raises for what the world does: the result is always an `Attempted`, temporary unless a
refusal is proven. A broken conversation is begun again once. Another host is tried when nothing was
said about the message (contract section 4.16): no connection, a conversation that broke, or 421,
before the content. Nothing is sent again after the final dot. It does not store, retry later or
suppress.

Time: `deadline_seconds` is all that one attempt takes (crash rule 8). While other hosts wait, one
may take an equal share of what is left, but not less than LEAST_HOST_SECONDS, to be reached, and
the same until it wants the content; the last may take all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TypeVar

from chalicelib.config import Settings
from chalicelib.domain import classify
from chalicelib.domain.classify import Verdict
from chalicelib.domain.destination import (
    destination_of,
    hosts_in_order,
    literal_address,
    missing_domain,
    only_private_hosts,
)
from chalicelib.domain.egress import IMPLIED, can_reach, choose_source
from chalicelib.domain.errors import (
    MailError,
    NotFound,
    OutcomeUnknown,
    PermanentFailure,
    Rejected,
    SourceUnavailable,
    TemporaryFailure,
)
from chalicelib.domain.model import Envelope, Message, Target
from chalicelib.domain.public_address import is_public
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp_commands import NEEDS_8BITMIME
from chalicelib.domain.tenancy import EgressKind, EgressSource
from chalicelib.domain.transmission import LEAST_HOST_SECONDS, LONGEST_OUTPUT, Attempted
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.egress import Conversation, Egress, Transaction
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver

T = TypeVar("T")
Converted = Callable[[], Awaitable[Sequence[bytes] | None]]
"""Makes the same message without 8-bit bytes, sealed; None when it cannot be."""

MOST_TARGETS = 20
NO_NAMES = "The name servers did not answer in time."
NO_ANSWER = "The server did not answer in time."
ABSENT = ("4.1.2", "4.4.3", "4.4.4")
"""What is said of a domain that cannot be found; every other end without a conversation is our own affair."""
NO_SOURCE = "No egress source of pool {pool} is available."


@dataclass(slots=True)
class _Journey:
    """One attempt under way: what is sent, by when it must be over, and what was tried. `turned_away` says that
    a host would not talk to us at all; `left` is how the last conversation ended that left the message for another
    host."""

    message: Message
    envelope: Envelope
    content: Sequence[bytes]
    converted: Converted | None
    tries: int
    domain: str
    began: float
    ends: float
    tried: list[str] = field(default_factory=list)
    private: bool = False
    reached: bool = False
    turned_away: bool = False
    last_failure: TemporaryFailure | None = None
    left: Attempted | None = None


class SmtpSender:
    """The sending use case. `deadline` replaces the seconds of the settings that one attempt may take."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        directory: Directory,
        resolver: Resolver,
        egress: Egress,
        deadline: float | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._directory = directory
        self._resolver = resolver
        self._egress = egress
        self._deadline = settings.deadline_seconds if deadline is None else deadline
        self._closing: set[asyncio.Future[None]] = set()

    async def deliver(
        self,
        message: Message,
        envelope: Envelope,
        content: Sequence[bytes],
        tries: int,
        converted: Converted | None = None,
    ) -> Attempted:
        """Attempt to send; `tries` failed attempts came before. The concatenated parts of `content`
        are the exact bytes, with CRLF lines, not dot-stuffed. `converted` is asked for other content
        by a server that takes no 8-bit one; without it, or without an answer, that is the end (5.6.3)."""
        began = self._clock.monotonic()
        ends = began + self._deadline
        journey = _Journey(message, envelope, content, converted, tries, "", began, ends)
        try:
            journey.envelope, journey.domain = destination_of(envelope)
            attempted = await self._by_some_source(journey)
        except (PermanentFailure, Rejected) as proven:
            attempted = _gave_up(journey, Verdict.HARD, proven)
        except TemporaryFailure as away:
            attempted = _gave_up(journey, Verdict.SOFT, away)
        return replace(attempted, seconds=self._clock.monotonic() - began)

    async def _by_some_source(self, journey: _Journey) -> Attempted:
        pool = journey.message.pool
        sources = await self._directory.egress_sources(pool) or (IMPLIED,)
        avoid: set[str] = set()
        while True:
            source = choose_source(sources, journey.message.token, self._clock.now(), avoid)
            if source is None and journey.left is not None:
                return journey.left
            if source is None:
                reason = f" {journey.last_failure.public}" if journey.last_failure else ""
                raise TemporaryFailure(NO_SOURCE.format(pool=pool) + reason)
            try:
                return await self._by(source, journey)
            except SourceUnavailable as fault:
                journey.last_failure = fault
                avoid.add(source.name)

    async def _by(self, source: EgressSource, journey: _Journey) -> Attempted:
        """Try the targets in order until one has an opinion. Raises SourceUnavailable."""
        count = 0
        async for target, others in self._targets(source, journey):
            count += 1
            if count > MOST_TARGETS or self._seconds_left(journey) <= 0:
                break
            journey.tried.append(target.host)
            try:
                conversation = await self._connect(target, source, journey, others)
            except SourceUnavailable:
                raise
            except TemporaryFailure as unreachable:
                journey.last_failure = unreachable
                journey.turned_away |= "turned_away" in unreachable.fields
                continue
            attempted, is_final = await self._converse(conversation, source, journey, others)
            if is_final:
                return attempted
            journey.left = attempted
        return journey.left or self._unreachable(journey)

    async def _connect(
        self, target: Target, source: EgressSource, journey: _Journey, others: int
    ) -> Conversation:
        try:
            async with asyncio.timeout(self._share(journey, others)):
                return await self._egress.connect(target, source)
        except TimeoutError as late:
            raise TemporaryFailure("The connection took too long.") from late

    async def _converse(
        self, conversation: Conversation, source: EgressSource, journey: _Journey, others: int
    ) -> tuple[Attempted, bool]:
        """One transaction; begun again once when the conversation breaks before the final dot
        (contract 4.19). False beside an end that another host may better."""
        broken: TemporaryFailure
        for last in (False, True):
            try:
                transaction = await self._transact(conversation, journey, others)
            except OutcomeUnknown as unknown:
                await conversation.close()
                return _interrupted(conversation, unknown, self._is_late(journey, unknown)), True
            except TemporaryFailure as lost:
                await conversation.close()
                broken = lost
            except (PermanentFailure, Rejected):
                await conversation.release()
                raise
            else:
                attempted = _concluded(conversation, source, journey, transaction)
                await conversation.release()
                left = classify.leaves_the_host(transaction.reply, transaction.stage)
                return attempted, not left
            if last or self._is_late(journey, broken):
                break
            try:
                conversation = await self._connect(conversation.target, source, journey, others)
            except TemporaryFailure as gone:
                broken = gone
                break
        return _interrupted(conversation, broken, self._is_late(journey, broken)), False

    async def _transact(
        self, conversation: Conversation, journey: _Journey, others: int
    ) -> Transaction:
        """The transaction within the deadline and, until there is content, within the host's share. Closing the
        conversation makes it end by its own account: as temporary failure or, after the final dot, as unknown."""
        loop = asyncio.get_running_loop()
        watches = [loop.call_later(self._seconds_left(journey), self._close_soon, conversation)]
        left_for_another = False

        def leave() -> None:
            nonlocal left_for_another
            if not conversation.has_begun:
                left_for_another = True
                self._close_soon(conversation)

        if others:
            watches.append(loop.call_later(self._share(journey, others), leave))
        try:
            return await _say(conversation, journey)
        except TemporaryFailure as lost:
            if left_for_another:
                raise TemporaryFailure(NO_ANSWER, timed_out=1) from lost
            raise
        finally:
            for watch in watches:
                watch.cancel()

    def _close_soon(self, conversation: Conversation) -> None:
        closing = asyncio.ensure_future(conversation.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _targets(
        self, source: EgressSource, journey: _Journey
    ) -> AsyncIterator[tuple[Target, int]]:
        """Where to try, found as needed, AAAA before A at each host (contract 4.16), and how many more there are:
        each host that was not looked up yet counts as one."""
        if source.kind is EgressKind.SMARTHOST:
            addresses = await self._answer(journey, self._operator_addresses(source.host))
            for number, address in enumerate(addresses, 1):
                yield Target(source.host, address, source.port), len(addresses) - number
            return
        port = self._settings.delivery_port
        async for host, address, others in self._addresses(journey):
            if not self._settings.allow_private_delivery and not is_public(address):
                journey.private = True
            elif can_reach(source, address):
                journey.reached = True
                yield Target(host, address, port), others
            else:
                beyond = f"{source.name} has no way to {address} ({host})."
                journey.last_failure = journey.last_failure or TemporaryFailure(beyond)

    async def _addresses(self, journey: _Journey) -> AsyncIterator[tuple[str, str, int]]:
        literal = literal_address(journey.domain)
        if literal is not None:
            yield journey.domain, literal, 0
            return
        try:
            records = await self._answer(journey, self._resolver.mx(journey.domain))
        except NotFound as missing:
            raise missing_domain(journey.tries) from missing
        draws = iter([self._rand.uniform() for _ in records])
        hosts = hosts_in_order(journey.domain, records, draws)
        for place, host in enumerate(hosts, 1):
            if self._seconds_left(journey) <= 0:
                return
            try:
                addresses = await self._answer(journey, self._resolver.addresses(host))
            except TemporaryFailure as away:
                journey.tried.append(host)
                journey.last_failure = away
                continue
            if not addresses:
                journey.tried.append(host)
                nothing = "has no address." if records else "has no MX and no address."
                journey.last_failure = journey.last_failure or TemporaryFailure(f"{host} {nothing}")
            for number, address in enumerate(addresses, 1):
                yield host, address, len(addresses) - number + len(hosts) - place

    async def _answer(self, journey: _Journey, question: Awaitable[T]) -> T:
        """What the name servers say within the deadline."""
        try:
            async with asyncio.timeout(self._seconds_left(journey)):
                return await question
        except TimeoutError as late:
            raise TemporaryFailure(NO_NAMES, reply=Reply(451, "4.4.3", NO_NAMES)) from late

    async def _operator_addresses(self, host: str) -> Sequence[str]:
        try:
            return (str(ip_address(host)),)
        except ValueError:
            return await self._resolver.addresses(host)

    def _is_late(self, journey: _Journey, error: TemporaryFailure) -> bool:
        """True when time ran out, for which a new connection is no cure."""
        return "timed_out" in error.fields or self._seconds_left(journey) <= 0

    def _share(self, journey: _Journey, others: int) -> float:
        """Seconds that a host may take while so many others wait."""
        left = self._seconds_left(journey)
        return min(left, max(LEAST_HOST_SECONDS, left / (1 + others)))

    def _seconds_left(self, journey: _Journey) -> float:
        return journey.ends - self._clock.monotonic()

    def _unreachable(self, journey: _Journey) -> Attempted:
        if journey.private and not journey.reached:
            raise only_private_hosts(journey.tries)
        failure = journey.last_failure
        return Attempted(
            Verdict.SOFT,
            classify.unreachable_text(journey.domain, journey.tried),
            output=_cut(failure.public) if failure else None,
            retry_hint=classify.retry_after_hint(failure.public) if failure else None,
            about_us=journey.turned_away,
        )


async def _say(conversation: Conversation, journey: _Journey) -> Transaction:
    """The transaction, with other content for a server that takes no 8-bit one."""
    result = await conversation.transact(journey.envelope, journey.content)
    if result.reply is NEEDS_8BITMIME and journey.converted is not None:
        content = await journey.converted()
        if content is not None:
            return await conversation.transact(journey.envelope, content)
    return result


def _concluded(
    conversation: Conversation, source: EgressSource, journey: _Journey, result: Transaction
) -> Attempted:
    """What the server's deciding reply means (contract section 4.19)."""
    verdict = classify.classify(result.reply, result.stage)
    remote = classify.place(conversation.target)
    if verdict is Verdict.SENT:
        bound = conversation.source if source.address or source.address6 else ""
        details = classify.accepted_text(journey.envelope.rcpt_to, remote, bound)
    else:
        details = classify.refused_text(verdict, remote)
    hint = classify.retry_after_hint(result.reply.text) if verdict is Verdict.SOFT else None
    about_us = verdict is not Verdict.SENT and classify.is_about_us(result.reply, result.stage)
    return Attempted(
        verdict,
        details,
        output=_cut(str(result.reply)),
        tls=conversation.tls,
        source=conversation.source,
        remote=remote,
        retry_hint=hint,
        about_us=about_us or classify.leaves_the_host(result.reply, result.stage),
    )


def _interrupted(conversation: Conversation, error: TemporaryFailure, late: bool) -> Attempted:
    """A conversation that broke off, or (`late`) in which the server stayed silent: nothing was said of the
    recipient."""
    remote = classify.place(conversation.target)
    silent = classify.refused_text(Verdict.SOFT, remote)
    return Attempted(
        Verdict.SOFT,
        silent if late else classify.interrupted_text(remote),
        output=_cut(error.public),
        tls=conversation.tls,
        source=conversation.source,
        remote=remote,
        outcome_unknown=isinstance(error, OutcomeUnknown),
        about_us=True,
    )


def _gave_up(journey: _Journey, verdict: Verdict, error: MailError) -> Attempted:
    """An end without a conversation: DNS, policy or the envelope decided."""
    if (
        isinstance(error, TemporaryFailure)
        and not journey.tried
        and error.reply.enhanced == "4.4.3"
    ):
        details = f"{classify.unreachable_text(journey.domain, ())} {error.public}"
    else:
        details = error.public
    ours = error.reply.enhanced not in ABSENT
    about_us = ours if verdict is Verdict.SOFT else classify.is_about_us(error.reply)
    return Attempted(verdict, details, output=_cut(str(error.reply)), about_us=about_us)


def _cut(text: str) -> str:
    return text[:LONGEST_OUTPUT]
