"""What would become of a message, without doing it: the route that would take it, and what its sender would be told.

The decisions are those of the gateway (`recipients`, `accept`), on routes that are read at this moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.errors import Refused
from chalicelib.domain.incoming.loops import has_gone_round, was_delivered_to
from chalicelib.domain.incoming.routing import Described, Look, Result, looked_at
from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.mailbox import domain_of, local_part
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.owners import of_route_domain
from chalicelib.domain.tenancy.routes import BY_ROUTE_DOMAIN, ROUTES, Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.accept import LOOP, NO_REPORT, is_delivery_report, taken_by
from chalicelib.services.incoming.arrivals import IncomingRecipient
from chalicelib.services.incoming.recipients import Recipients

TAKEN = Reply(250, "2.1.5", "OK")
NOT_OURS = Reply(530, "5.7.0", "Authentication required")


@dataclass(frozen=True, slots=True)
class Match:
    """`reply` is RCPT's refusal, else DATA's, else RCPT's consent. `looks` are the server's routes that were looked at;
    `route` is the last of them if it was chosen."""

    reply: Reply
    looks: tuple[Look, ...] = ()

    @property
    def route(self) -> Route | None:
        """The route that decides, also one that rejects."""
        last = self.looks[-1] if self.looks else None
        return last.route if last and last.result is Result.CHOSEN else None


class MatchRoutes:
    """Asks as a stranger's server would at the port for incoming mail."""

    def __init__(self, settings: Settings, recipients: Recipients, repository: Repository) -> None:
        self._hostname = settings.smtp_hostname
        self._recipients = recipients
        self._repository = repository

    async def match(self, server: Server, to: str, message: Described) -> Match:
        """What would become of a message to this address; of routes only the server's own are told."""
        domain = domain_of(to)
        known: list[Route] = []
        if domain:
            known = await self._repository.all(ROUTES, of_route_domain(domain), BY_ROUTE_DOMAIN)
        looks = looked_at(known, local_part(to), message)
        try:
            recipient = await self._recipient(to, message, known)
        except Refused as refused:
            reply = refused.reply
        else:
            reply = self._refusal(recipient, message) or TAKEN
            if not recipient.asks:
                looks = [Look(one, Result.CHOSEN) for one in recipient.routes]
        return Match(reply, tuple(one for one in looks if one.route.server_id == server.id))

    def _refusal(self, recipient: IncomingRecipient, message: Described) -> Reply | None:
        """What DATA would say to it, if it is not taken."""
        headers = _header(message)
        # The field that the gateway puts in front counts.
        if has_gone_round(headers, self._hostname, 1) or was_delivered_to(
            headers, recipient.address
        ):
            return LOOP
        if recipient.reports and not is_delivery_report(headers):
            return NO_REPORT
        return taken_by(recipient, lambda: message)[1]

    async def _recipient(
        self, to: str, message: Described, known: Sequence[Route]
    ) -> IncomingRecipient:
        own = await self._recipients.own(to, message.mail_from)
        found = own or await self._recipients.hosted(to, known)
        if found is not None:
            return found
        await self._recipients.check_unknown(to, known)
        raise Refused(NOT_OURS.text, reply=NOT_OURS)


def _header(message: Described) -> Headers:
    """Its fields as they would stand in front of a body, each in one line."""
    lines = (f"{name}: {' '.join(value.split())}\r\n" for name, value in message.headers)
    return read_headers("".join(lines).encode("utf-8", "replace"))
