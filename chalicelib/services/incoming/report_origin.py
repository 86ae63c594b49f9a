"""Whether a report comes from where its recipient is, or from a known sender of complaints (api.md 2.12).

What was authenticated of the message says who sent it; the name servers say where the recipient's mail goes. When they
do not answer, nobody is vouched for, and nobody who has a mailbox among those of others vouches for these.
"""

from __future__ import annotations

from chalicelib.domain.errors import MailError
from chalicelib.domain.incoming.reports.senders import (
    FEEDBACK_ADDRESSES,
    FEEDBACK_DOMAINS,
    is_one_organization,
    vouches_for,
)
from chalicelib.domain.inspection import Authentication
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.report import ReportKind
from chalicelib.ports.resolver import Resolver
from chalicelib.services.incoming.attempt import IncomingAttempt


class ReportOrigin:
    """Looks at who vouches for a report."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def is_recipients(
        self, attempt: IncomingAttempt, recipient: str, kind: ReportKind
    ) -> bool:
        """Whether SPF, or DKIM aligned with From, passes for the organization of the recipient or of its MX, or, of a
        complaint, for a listed sender of complaints."""
        known = attempt.inspection
        found = (known.authentication if known else attempt.authentication) or Authentication()
        senders = vouched_domains(found)
        if not senders:
            return False
        mail_from = attempt.record.message.mail_from
        if kind is ReportKind.COMPLAINT and is_feedback(senders, found, mail_from):
            return True
        domain = domain_of(recipient)
        if any(vouches_for(sender, domain) for sender in senders):
            return True
        hosts = await self._hosts(domain)
        return any(vouches_for(sender, host) for sender in senders for host in hosts)

    async def _hosts(self, domain: str) -> list[str]:
        try:
            return [host for _, host in await self._resolver.mx(domain)]
        except MailError:
            return []


def vouched_domains(found: Authentication) -> set[str]:
    """The domains that certainly sent a message."""
    domains = {found.spf.domain} if found.spf.result == "pass" else set()
    author = found.dmarc.domain or ""
    passed = {one.domain for one in found.dkim if one.result == "pass"}
    domains |= {one for one in passed if is_one_organization(one, author)}
    return {one.lower() for one in domains if one}


def is_feedback(senders: set[str], found: Authentication, mail_from: str) -> bool:
    """Whether a listed sender of complaints certainly sent a message: one of the domains, or the very address of the
    envelope, for whose domain SPF passes."""
    if not senders.isdisjoint(FEEDBACK_DOMAINS):
        return True
    address = mail_from.lower()
    spf = found.spf.domain if found.spf.result == "pass" else None
    return address in FEEDBACK_ADDRESSES and domain_of(address) == (spf or "").lower()
