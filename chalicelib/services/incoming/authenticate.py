"""Who vouches for the sender of an incoming message: SPF, DKIM, DMARC and ARC, found once (api.md 2.10).

What is looked at is the message as its client sent it, without the field that we put in front. SPF and signatures take
at most SECONDS, and DMARC so many more as nobody who is slow to tell of these can take from it; what DNS does not tell
by then is `temperror`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from chalicelib.domain.incoming.dmarc_check import author_domain, check_dmarc
from chalicelib.domain.incoming.spf_check import check_spf
from chalicelib.domain.inspection import Authentication, DkimSignature, Dmarc, Spf
from chalicelib.domain.mail.headers import read_headers
from chalicelib.ports.clock import Clock
from chalicelib.ports.resolver import Resolver
from chalicelib.services.ask_dns import AskDns
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.signatures import ArcState, Signatures, SignedMessage

T = TypeVar("T")
SECONDS, DMARC_SECONDS = 5.0, 2.0


class Authenticate:
    """The step that finds out."""

    def __init__(self, clock: Clock, resolver: Resolver, signatures: Signatures) -> None:
        self._clock = clock
        self._dns = AskDns(resolver)
        self._signatures = signatures

    async def run(self, attempt: IncomingAttempt) -> None:
        """A message that was inspected at an earlier attempt is not looked at again."""
        if attempt.inspection is None:
            attempt.authentication = await self.of(attempt, attempt.stored)

    async def of(self, attempt: IncomingAttempt, stored: bytes) -> Authentication:
        """What is known of the message with these stored bytes, from this attempt or an earlier one; else it is found
        now."""
        if attempt.inspection is not None:
            return attempt.inspection.authentication
        if attempt.authentication is not None:
            return attempt.authentication
        message, arrival = attempt.record.message, attempt.arrival
        return await self.found(
            stored, sent_from(stored), arrival.client, message.mail_from, arrival.helo
        )

    async def found(
        self, content: bytes, start: int, client: str, mail_from: str, helo: str
    ) -> Authentication:
        """What is found of the message that begins at an offset of the content, and came from a client, an address as
        text."""
        headers = read_headers(content, start)
        message, now = SignedMessage(content, headers), self._clock.now()
        end = self._clock.monotonic() + SECONDS
        spf, dkim, arc = await asyncio.gather(
            self._within(end, self._dns.value_of(check_spf(client, mail_from, helo))),
            self._within(end, self._signatures.dkim(message, now)),
            self._within(end, self._signatures.arc(message, now)),
        )
        spf = spf or _late_spf(mail_from, helo, client)
        dkim = (DkimSignature("temperror", "", ""),) if dkim is None else dkim
        domain = author_domain(headers)
        dmarc: Dmarc | None = Dmarc("permerror")
        if domain is not None:
            end = self._clock.monotonic() + DMARC_SECONDS
            dmarc = await self._within(end, self._dns.value_of(check_dmarc(domain, spf, dkim)))
        arc = arc or ArcState("temperror")
        return Authentication(spf, dkim, dmarc or Dmarc("temperror", domain), *arc)

    async def _within(self, end: float, work: Coroutine[Any, Any, T]) -> T | None:
        """What it gives; None when the time is over."""
        try:
            async with asyncio.timeout(max(0.0, end - self._clock.monotonic())):
                return await work
        except TimeoutError:
            return None


def sent_from(stored: bytes) -> int:
    """Where in the stored bytes the message begins as it was sent: behind the Received field that stands in front since
    it was accepted."""
    first = next(iter(read_headers(stored).fields), None)
    return first.end if first and not first.start and first.name == b"received" else 0


def _late_spf(mail_from: str, helo: str, client: str) -> Spf:
    return Spf("temperror", mail_from.rpartition("@")[2] or helo, client)
