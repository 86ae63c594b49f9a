"""What would become of a message, without doing it: the route that would take it, and what its sender would be told.

The decisions are those of the gateway (`recipients`, `accept`), on routes that are read at this moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Refused
from chalicelib.domain.incoming.routing import Described, Look, Result, looked_at
from chalicelib.domain.mail.mailbox import domain_of, local_part
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.owners import of_route_domain
from chalicelib.domain.tenancy.routes import BY_ROUTE_DOMAIN, ROUTES, Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.accept import taken_by
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

    def __init__(self, recipients: Recipients, repository: Repository) -> None:
        self._recipients = recipients
        self._repository = repository

    async def match(self, server: Server, to: str, message: Described) -> Match:
        """What would become of a message to this address; of routes only the server's own are told."""
        domain = of_route_domain(domain_of(to))
        known = await self._repository.all(ROUTES, domain, BY_ROUTE_DOMAIN)
        looks = looked_at(known, local_part(to), message)
        try:
            recipient = await self._recipient(to, message, known)
        except Refused as refused:
            reply = refused.reply
        else:
            reply = taken_by(recipient, lambda: message)[1] or TAKEN
            if not recipient.asks:
                looks = [Look(one, Result.CHOSEN) for one in recipient.routes]
        return Match(reply, tuple(one for one in looks if one.route.server_id == server.id))

    async def _recipient(
        self, to: str, message: Described, known: Sequence[Route]
    ) -> IncomingRecipient:
        own = await self._recipients.own(to, message.mail_from)
        found = own or await self._recipients.hosted(to, known)
        if found is not None:
            return found
        await self._recipients.check_unknown(to, known)
        raise Refused(NOT_OURS.text, reply=NOT_OURS)
