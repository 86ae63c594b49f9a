"""Telling the sender of an incoming message that it failed, where that is due and allowed.

Who is told is who sent it, as far as can be known: where nothing was inspected before the message failed, who vouches
for it is found out here.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.decision_texts import attempts_reached
from chalicelib.domain.errors import NotFound, PoolMissing
from chalicelib.domain.incoming.bounce_rules import is_forged, may_be_told
from chalicelib.domain.incoming.checks import NO_BOUNCE, NO_ROUTE, ROUTE_ASKS
from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.endpoints import EndpointType
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.authenticate import Authenticate
from chalicelib.services.outgoing.attempt_end import LONGEST_DETAILS
from chalicelib.services.outgoing.send_bounce import Bounce, SendBounce
from chalicelib.services.queue.store_outcome import log_fields

LOG = logging.getLogger("posthorn.incoming")
_STATUSES = {ROUTE_ASKS: "5.7.1", NO_ROUTE: "5.7.1"}
EXPIRED = "5.4.7"


class TellSender:
    """Sends the bounces of incoming mail."""

    def __init__(self, settings: Settings, bounces: SendBounce, authenticate: Authenticate) -> None:
        self._hostname = settings.smtp_hostname
        self._bounces = bounces
        self._authenticate = authenticate

    async def told(
        self,
        attempt: IncomingAttempt,
        details: str,
        notice: str,
        result: AttemptResult | None = None,
    ) -> str:
        """The details of a failure with what became of its bounce; `notice` names the bounce's id as `{id}`. The record
        of the attempt says which it is. Raises TemporaryFailure."""
        sent = await self._sent(attempt, details, result)
        end = NO_BOUNCE if sent is None else notice.format(id=sent)
        if sent is not None:
            attempt.record = replace(attempt.record, bounced_as=sent)
        room = LONGEST_DETAILS - len(end) - 2
        return f"{details.removesuffix('.')[:room]}. {end}"

    async def _sent(
        self, attempt: IncomingAttempt, details: str, result: AttemptResult | None
    ) -> MessageId | None:
        record, facts = attempt.record, attempt.facts
        if not record.message.mail_from:
            return None
        try:
            stored = attempt.stored or await attempt.bodies.get(record.message.blob)
        except NotFound:
            return None
        if not may_be_told(record, facts, read_headers(stored)):
            return None
        if is_forged(await self._authenticate.of(attempt, stored)):
            return None
        status = _STATUSES.get(details, "")
        if details == attempts_reached(facts.max_attempts):
            status = EXPIRED
        kind = facts.endpoint.type if facts.endpoint else None
        bounce = Bounce(
            record=record,
            server=facts.server,
            content=with_head(stored, record.inspection, self._hostname),
            author=_author(attempt),
            result=None if kind is EndpointType.HTTP else result,
            # Where mail is forwarded to is between the recipient and us.
            tells=kind is EndpointType.SMTP,
            status=status,
        )
        try:
            return await self._bounces.send(bounce)
        except PoolMissing:
            LOG.error("no bounce: its pool is gone", extra={"fields": log_fields(record.message)})
            return None


def _author(attempt: IncomingAttempt) -> str:
    """The address of the route without tag, with the recipient's own local part where the route has a pattern."""
    route = attempt.facts.route
    local, _, domain = attempt.record.message.rcpt_to.rpartition("@")
    if route is not None and not route.is_return_path and "*" not in route.name:
        return f"{route.name}@{route.domain}"
    return f"{local.partition('+')[0]}@{domain}"
