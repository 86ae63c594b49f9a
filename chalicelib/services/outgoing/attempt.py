"""One attempt at an outgoing message under way, and what a step of the pipeline is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.envelope import Envelope
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.outgoing.checks import Decision, Facts
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.services.limits.take_place import Place
from chalicelib.services.queue.bodies import Bodies


@dataclass(slots=True)
class OutgoingAttempt:
    """A claimed message on its way through the steps.

    `number` is the id of the delivery entry to come. `place` is what the message got of its send limits, None
    while it has nothing. `body` is as stored or with tracked links; `content` is what is sent, under
    `envelope`. `result` is what the receiving server said, and `note` what followed from it for the suppression list.
    `after` is the record to store, set by whatever ends the attempt.
    """

    record: MessageRecord
    facts: Facts
    number: int
    bodies: Bodies
    place: Place | None = None
    body: bytes = b""
    content: Sequence[bytes] = ()
    envelope: Envelope | None = None
    result: AttemptResult | None = None
    note: str = ""
    after: MessageRecord | None = None

    @property
    def domain(self) -> Domain:
        """The sending domain, for the steps after the checks: none of them sees a message without."""
        if self.facts.domain is None:
            raise RuntimeError("a message without a domain does not pass the checks")
        return self.facts.domain

    @property
    def answered(self) -> AttemptResult:
        """The receiving server's result, for the steps after it."""
        if self.result is None:
            raise RuntimeError("this step comes after transmit")
        return self.result


class Step(Protocol):
    """A step that reads or writes through ports."""

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Take the attempt further. A decision ends it and is about a message that was not sent."""
