"""One attempt at an incoming message under way, what a step of the pipeline is, and what an endpoint made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.incoming.checks import Decision, Facts
from chalicelib.domain.inspection import Authentication, Inspection
from chalicelib.domain.model import Arrival, MessageRecord
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.services.queue.bodies import Bodies


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """What an endpoint said. Of a hard failure the sender is told if it `bounces`; `disables`: it wants no more, so
    that it is sent nothing until a person enables it again."""

    result: AttemptResult
    bounces: bool = True
    disables: bool = False


@dataclass(slots=True)
class IncomingAttempt:
    """A claimed message on its way through the steps.

    `number` is the id of the delivery entry to come. `stored` is the message as it was accepted, `content` with the
    fields in front that the inspection calls for and without those that were forged. `authentication` is who
    vouches for it, once that was found at this attempt; `inspection` is all that was found, at this attempt or at
    an earlier one. `returns_to` is set for a report on forwarded mail: whom it goes back to. `after` is the record
    to store, set by whatever ends the attempt.
    """

    record: MessageRecord
    facts: Facts
    number: int
    bodies: Bodies
    stored: bytes = b""
    content: bytes = b""
    authentication: Authentication | None = None
    inspection: Inspection | None = None
    returns_to: str | None = None
    said: EndpointResult | None = None
    after: MessageRecord | None = None

    @property
    def arrival(self) -> Arrival:
        """How the message came, and which way it takes."""
        return self.record.way


class Step(Protocol):
    """A step that reads or writes through ports."""

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Take the attempt further. A decision ends it."""


class EndpointSender(Protocol):
    """Hands a message to endpoints of one type."""

    async def deliver(self, attempt: IncomingAttempt, endpoint: Endpoint) -> EndpointResult:
        """One attempt of bounded time and memory. Never raises for what the world does."""
