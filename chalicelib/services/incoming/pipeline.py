"""What a claimed incoming message goes through: the steps of `STEPS`, in their order (contract section 5).

A function is a pure check of the record and the facts; a class is a step that reads or writes through ports. The first
decision, Hold, Fail or Process, ends the attempt before an endpoint has the message. A failure for good is told to the
sender where that is due; nothing else that lasts is changed here, but what steps say they change: what is stored about
the message is the returned record, written by the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.errors import MailError
from chalicelib.domain.incoming import checks
from chalicelib.domain.incoming.checks import Check
from chalicelib.domain.model import Arrival, DeliveryJob, Message, MessageRecord
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.ports.numbers import Numbers
from chalicelib.services.incoming.attempt import IncomingAttempt, Step
from chalicelib.services.incoming.authenticate import Authenticate
from chalicelib.services.incoming.decide_outcome import DecideOutcome
from chalicelib.services.incoming.deliver import DeliverToEndpoint
from chalicelib.services.incoming.end_loop import EndLoop
from chalicelib.services.incoming.inspect import Inspect
from chalicelib.services.incoming.load_body import LoadBody
from chalicelib.services.incoming.match_report import MatchReport
from chalicelib.services.incoming.read_facts import ReadFacts
from chalicelib.services.incoming.return_to_sender import FindForwarded, ReturnToSender
from chalicelib.services.incoming.strangers import network_of
from chalicelib.services.limits.take_place import LimitUnknown
from chalicelib.services.queue.batch import DeliveryBatch
from chalicelib.services.queue.store_outcome import log_fields
from chalicelib.services.queue.turns import Share
from chalicelib.services.tenancy.last_use import LastUse

STEPS: tuple[Check | type[Step], ...] = (
    checks.server_suspended,
    checks.attempts_exhausted,
    checks.outcome_unknown,
    LoadBody,
    EndLoop,
    FindForwarded,
    Authenticate,
    MatchReport,
    Inspect,
    checks.spam_failure_threshold,
    ReturnToSender,
    checks.development_mode,
    checks.route_present,
    checks.spam_mode,
    checks.route_mode,
    DeliverToEndpoint,
    DecideOutcome,
)
COPIES = 5
"""The body with other fields in front, and what of it is on its way to an endpoint: attachments decoded, in base64, in
a payload."""
SLOW_OF_A_SERVER, SLOW_OF_A_CLIENT, MOST_OF_AN_ENDPOINT = 50, 20, 10

LOG = logging.getLogger("posthorn.incoming")


class CarryIncoming:
    """The carrier of incoming mail."""

    def __init__(  # noqa: PLR0913  # one argument a step
        self,
        *,
        numbers: Numbers,
        facts: ReadFacts,
        uses: LastUse,
        load: LoadBody,
        loop: EndLoop,
        forwarded: FindForwarded,
        authenticate: Authenticate,
        reports: MatchReport,
        inspect: Inspect,
        returns: ReturnToSender,
        deliver: DeliverToEndpoint,
        outcome: DecideOutcome,
    ) -> None:
        self._numbers = numbers
        self._facts = facts
        self._uses = uses
        self._outcome = outcome
        steps: tuple[Step, ...] = (
            *(load, loop, forwarded, authenticate, reports, inspect),
            *(returns, deliver, outcome),
        )
        self._acting: dict[type, Step] = {type(step): step for step in steps}

    async def copies(self, message: Message, batch: DeliveryBatch) -> int:
        """How many copies of the body an attempt makes."""
        return COPIES

    def lane(self, message: Message) -> str:
        """Mail for one endpoint; what has none waits for nobody."""
        arrival = message.arrival or Arrival()
        return arrival.endpoint_id or message.token

    def shares(self, message: Message) -> Sequence[Share]:
        """Of the one queue no server keeps more than a part, no endpoint more than a few, and neither does a client at
        a server, whose mail may ask name servers that do not answer."""
        server, arrival = message.server_id, message.arrival or Arrival()
        found = [Share(f"in {server}", SLOW_OF_A_SERVER)]
        if arrival.endpoint_id:
            key = f"endpoint {server} {arrival.endpoint_id}"
            found.append(Share(key, MOST_OF_AN_ENDPOINT, wary=True))
        if arrival.client:
            network = network_of(arrival.client, 24)
            found.append(Share(f"client {server} {network}", SLOW_OF_A_CLIENT))
        return found

    async def run(
        self, record: MessageRecord, job: DeliveryJob, batch: DeliveryBatch
    ) -> MessageRecord:
        """Go through the steps and return the record to store; anything unforeseen becomes an Error delivery that is
        tried again, unless the endpoint already has the message.

        Raises TemporaryFailure only before anything was done.
        """
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        facts = await self._facts.read(record, job, batch)
        if facts.route is not None:
            await self._uses.note(ROUTES, facts.route)
        attempt = IncomingAttempt(record, facts, number, batch.bodies, inspection=record.inspection)
        fields = log_fields(record.message)
        try:
            await self._go_through(attempt)
        except LimitUnknown:
            raise
        except MailError as error:
            LOG.warning("attempt broke: %s", error.public, extra={"fields": fields})
        except (
            Exception
        ):  # a defect becomes a retry that people can see, instead of a lease that runs out
            LOG.exception("attempt broke", extra={"fields": fields})
        after = attempt.after or self._outcome.broken(attempt)
        _log(attempt, after)
        return after

    async def _go_through(self, attempt: IncomingAttempt) -> None:
        """Until a decision ends the attempt; what has been handed on goes to the last step at once."""
        for step in STEPS:
            if attempt.said is not None and step is not DecideOutcome:
                continue
            if isinstance(step, type):
                decision = await self._acting[step].run(attempt)
                if attempt.inspection is not attempt.record.inspection:
                    attempt.record = replace(attempt.record, inspection=attempt.inspection)
            else:
                decision = step(attempt.record, attempt.facts)
            if decision is not None:
                attempt.after = await self._outcome.decided(attempt, decision)
            if attempt.after is not None:
                return


def _log(attempt: IncomingAttempt, after: MessageRecord) -> None:
    seconds = attempt.said.result.seconds if attempt.said else 0.0
    fields = log_fields(after.message) | {
        "attempt": attempt.record.attempt,
        "outcome": after.status.value,
        "ms": round(seconds * 1000),
    }
    LOG.info("attempt", extra={"fields": fields})
