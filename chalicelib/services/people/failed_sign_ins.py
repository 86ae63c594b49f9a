"""Failed sign-ins in the installation's log: at most one entry a minute for a user, and one for all unknown addresses.

An entry says how many there were since the count of a day began. What cannot be entered is logged, and fails nobody.
The log of the program has a line for each.
"""

from __future__ import annotations

import logging

from chalicelib.domain.deeds import Deed
from chalicelib.domain.errors import MailError
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.users import User
from chalicelib.domain.rates import Policy
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.audit_deeds import Told, deed_of, entry_of_deed
from chalicelib.ports.clock import Clock
from chalicelib.services.people.sessions import Browser
from chalicelib.services.rates import Rates
from chalicelib.services.tenancy.enter_audit import EnterAudit
from chalicelib.services.tenancy.failed_proofs import ProofDoor, tell_of_failure

LOG = logging.getLogger("posthorn.sign_in")
MINUTE = 60
OF_A_DAY = Policy("failed sign-ins", 1_000_000, 86_400)


class FailedSignIns:
    """Enters them."""

    def __init__(self, rates: Rates, entries: EnterAudit, clock: Clock) -> None:
        self._rates = rates
        self._entries = entries
        self._clock = clock

    async def enter(self, user: User | None, browser: Browser) -> None:
        """Tell of a failure of a user, or (None) of somebody unknown. Never fails."""
        account = "" if user is None else user.id
        tell_of_failure(ProofDoor.PAGE, browser.address)
        try:
            quota = await self._rates.count(OF_A_DAY, account)
            now = self._clock.now()
            name = f"session.fail {account} {int(now // MINUTE)}"
            deed = _deed(user, browser, now, name, OF_A_DAY.quota - quota.left)
            await self._entries.enter(None, {name: lambda head: entry_of_deed(deed, head)})
        except MailError as failure:
            LOG.warning("a failed sign-in is not in the log: %s", failure.public)


def _deed(user: User | None, browser: Browser, now: float, name: str, count: int) -> Deed:
    actor = Actor("user", "") if user is None else Actor("user", user.email, user.id)
    told = Told("session", "", "", "fail", {}, {"failures": count})
    who = Acting(actor, browser.address, browser.request_id)
    return deed_of(told, who, now, (OrganizationId(0), ServerId(0), ""), name)
