"""Notices to those who answer for an organization, at most one in an hour for each thing.

They go by system mail, and where that is off they are logged. A counter that is away lets the notice through: one too
many is better than none.
"""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.rates import Policy
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.ports.clock import Clock
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.services.rates import RateExceeded, Rates
from chalicelib.services.system_mail import SystemMail

NOTICES = Policy("notices", 1, 3_600)


class NotifyMembers:
    """Tells them."""

    def __init__(self, clock: Clock, counters: RateCounters, system_mail: SystemMail) -> None:
        self._rates = Rates(clock, counters)
        self._system_mail = system_mail

    async def tell(
        self, organization: Organization | None, thing: str, subject: str, text: str
    ) -> None:
        """Tell the members of an organization, or (None) the operators, of a thing: `webhook whabcdefghij`, `limit
        server/month of 12`. Never fails."""
        owner = "" if organization is None else organization.permalink
        with suppress(TemporaryFailure):
            try:
                await self._rates.count(NOTICES, f"{owner} {thing}")
            except RateExceeded:
                return
        await self._system_mail.notify(organization, subject, text)
