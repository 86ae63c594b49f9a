"""What happened, by reference (api.md 2.18): what lists and feeds keep of it.

An occurrence is small, and has no address, name or text of a message, so that nothing of a message outlives it there.
Its id follows from itself, so that one that is told again has the same.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import MessageId, ServerId


class EventType(StrEnum):
    """Wire words, api.md 2.18."""

    EMAIL_RECEIVED = "email.received"
    EMAIL_SCHEDULED = "email.scheduled"
    EMAIL_DELIVERED = "email.delivered"
    EMAIL_DELAYED = "email.delayed"
    EMAIL_FAILED = "email.failed"
    EMAIL_HELD = "email.held"
    EMAIL_RELEASED = "email.released"
    EMAIL_CANCELLED = "email.cancelled"
    EMAIL_BOUNCED = "email.bounced"
    EMAIL_COMPLAINED = "email.complained"
    EMAIL_OPENED = "email.opened"
    EMAIL_CLICKED = "email.clicked"
    EMAIL_UNSUBSCRIBED = "email.unsubscribed"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    DOMAIN_DNS_FAILED = "domain.dns_failed"
    DOMAIN_DNS_RECOVERED = "domain.dns_recovered"
    SERVER_LIMIT_APPROACHING = "server.limit_approaching"
    SERVER_LIMIT_EXCEEDED = "server.limit_exceeded"
    SERVER_RATE_EXCEEDED = "server.rate_exceeded"
    SERVER_RATE_RECOVERED = "server.rate_recovered"
    WEBHOOK_TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened at `at` (epoch seconds), to the message `email` where it was one.

    `what` tells it from others of its type: the number of the delivery, the report or the hit, the digest of the
    address with the moment, the owner and period of a limit or
    the stream and rate with the hour. `detail` is a compact JSON object with what
    cannot be read elsewhere (a suppression, a domain's result, a limit); None where the message has it all.
    """

    type: EventType
    server: ServerId
    at: float
    what: str
    email: MessageId | None = None
    detail: str | None = None

    @property
    def name(self) -> str:
        """What tells it from every other of an installation."""
        return f"{self.server}/{self.type.value}/{self.email or ''}/{self.what}"

    def id(self, installation: uuid.UUID) -> str:
        """The event's id, a UUID (RFC 9562 version 5): of one installation, no two that differ have the same."""
        return str(uuid.uuid5(installation, self.name))
