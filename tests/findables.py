"""Messages as a search sees them, made of what a test says about them."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable, domain_in

ANY_TIME = 1_774_180_800.0  # 2026-03-22 12:00 UTC
_SENT: dict[str, Any] = {
    "server": ServerId(1),
    "message": MessageId(7),
    "scope": Scope.OUTGOING,
    "version": 3,
    "received_at": ANY_TIME,
    "token": "AbCdEfGhIjKlMnOp",
    "mail_from": "app@acme.example",
    "rcpt_to": "bob@example.com",
    "subject": "Welcome",
    "message_id": "5817a@acme.example",
    "size": 2_000,
    "statuses": ("sent",),
    "pool": "default",
    "credential": "crabcdefghij",
    "stream": "transactional",
}


def findable(**given: Any) -> Findable:
    """A message that was sent, but for what is given."""
    fields = _SENT | given
    return Findable(**({"domain": domain_in(fields["rcpt_to"])} | fields))


def waiting(**given: Any) -> Findable:
    """A message that waits for another attempt, but for what is given."""
    about = {"statuses": ("softfail", "queued"), "wait": "retry", "tries": 1}
    return findable(**(about | given))
