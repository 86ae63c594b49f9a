"""What strangers must pass before their mail is taken: block lists, a rate, and patience (api.md 4).

All three are off unless the settings say otherwise. A list that does not answer in PATIENCE_SECONDS lists nobody. Of
who sent to whom only a digest is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress

from chalicelib.config import Settings
from chalicelib.domain.dns.block_lists import BlockList, is_listing
from chalicelib.domain.errors import MailError, Refused, TemporaryFailure
from chalicelib.domain.rates import Policy
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.greylist import Greylist
from chalicelib.ports.resolver import Resolver
from chalicelib.services.rates import RateExceeded, Rates

PATIENCE_SECONDS = 2.0
TOO_MANY = Reply(451, "4.7.0", "Too many messages from your address, try again later")
GREYLISTED = Reply(451, "4.7.1", "Greylisted, try again later")


class Strangers:
    """The checks. What does not pass raises Refused or TemporaryFailure with the reply."""

    def __init__(
        self, settings: Settings, clock: Clock, resolver: Resolver, greylist: Greylist, rates: Rates
    ) -> None:
        self._lists = settings.block_lists
        self._wait = settings.greylist_seconds
        self._rate = Policy("mx", settings.mx_rate, 60)
        self._clock = clock
        self._resolver = resolver
        self._greylist = greylist
        self._rates = rates

    @property
    def are_checked(self) -> bool:
        """Whether any check is on."""
        return bool(self._lists or self._wait or self._rate.quota)

    async def check_lists(self, client: str) -> None:
        """Whether a client's address stands in a block list."""
        if not self._lists:
            return
        asked = [asyncio.ensure_future(self._lists_it(one, client)) for one in self._lists]
        done, late = await asyncio.wait(asked, timeout=PATIENCE_SECONDS)
        for one in late:
            one.cancel()
        for each, answer in zip(self._lists, asked, strict=True):
            if answer in done and answer.result():
                text = f"Your address is listed by {each.zone}"
                raise Refused(text, reply=Reply(550, "5.7.1", text))

    async def count(self, client: str) -> None:
        """One more message of a client."""
        if not self._rate.quota:
            return
        try:
            await self._rates.count(self._rate, network_of(client, 32))
        except RateExceeded as many:
            raise TemporaryFailure(TOO_MANY.text, reply=TOO_MANY) from many

    async def check_first_contact(self, client: str, mail_from: str, address: str) -> None:
        """Whether client, sender and recipient were met long enough ago."""
        if not self._wait:
            return
        text = "\0".join((network_of(client, 24), mail_from, address)).lower()
        now = self._clock.now()
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        # Who was met later than now was met before the clock was set back.
        if abs(now - await self._greylist.met(digest, now)) < self._wait:
            raise TemporaryFailure(GREYLISTED.text, reply=GREYLISTED)

    async def _lists_it(self, given: BlockList, client: str) -> bool:
        try:
            found = await self._resolver.addresses(given.question(client))
        except MailError:
            return False
        return is_listing(found, given.answers)


def network_of(client: str, prefix: int) -> str:
    """The network of an IPv4 address with this prefix, or the /64 of an IPv6 address."""
    size = 64 if ":" in client else prefix
    return str(ipaddress.ip_network(f"{client}/{size}", strict=False))
