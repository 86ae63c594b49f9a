"""What somebody did by hand with something that is neither a message nor configuration: a list's entry, a job.

It is stored with the change that it made, and entered in the audit log from there, so that neither is there without the
other (ADR 41).
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.occurrence import Occurrence


@dataclass(frozen=True, slots=True)
class Deed:
    """A verb with its object, at `at` (epoch seconds), as its entry tells of it.

    `name` tells it from all others that an organization has entered. `server` is the number under which the object is
    kept, below zero for an organization; `tenant` is what its owner is called. `before` and `after` are JSON objects
    with what changed, or empty for none.
    """

    name: str
    server: ServerId
    organization: OrganizationId
    tenant: str
    at: float
    verb: str
    object_type: str
    object_id: str
    object_name: str
    before: str
    after: str
    actor_kind: str
    actor_id: str | None
    actor_name: str
    address: str
    request_id: str


Beside = Occurrence | Deed
"""What the outbox is told of what is no message."""
