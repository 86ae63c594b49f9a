"""How an incoming message may end before an endpoint has it: the decisions of the steps.

A check looks at the attempt's record and facts and returns a decision, or None to let the message go on. The order is
that of contract section 5; `chalicelib.services.incoming.pipeline` has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.decision_texts import (
    DEVELOPMENT,
    INTERRUPTED,
    SUSPENDED,
    attempts_reached,
)
from chalicelib.domain.incoming.head import one_decimal
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.domain.tenancy.routes import Route, RouteMode, SpamMode
from chalicelib.domain.tenancy.servers import Server, ServerMode, UnknownOutcome

SENT_BOUNCE = "Sent bounce message to sender (see message <msg:{id}>)"
BOUNCE_SENT = "Bounce sent to sender (see message <msg:{id}>)"
SEE_BOUNCE = "See message <msg:{id}>"
NO_BOUNCE = "No bounce was sent."
NO_ROUTE = "Message does not have a route and/or endpoint available for delivery."
NO_ENDPOINT = "Invalid endpoint for route."
ENDPOINT_DISABLED = "Endpoint is disabled."
ROUTE_ASKS = "Message has been bounced because the route asks for this."
ACCEPTED = "Message has been accepted but not sent to any endpoints."


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks need to know. `route` and `endpoint` are None where they are gone or there never were any.
    `manual`: a person released or retried it."""

    server: Server
    route: Route | None
    endpoint: Endpoint | None
    max_attempts: int
    manual: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message for a person, or for the `limit` that lets it go by itself."""

    details: str
    limit: LimitHold | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Give the message up; with `bounces` its sender is told, if it has one and may be told, and `notice` says by which
    message."""

    details: str
    bounces: bool = False
    notice: str = SENT_BOUNCE


@dataclass(frozen=True, slots=True)
class Process:
    """The message is done with, and went nowhere else: status Processed."""

    details: str


Decision = Hold | Fail | Process
Check = Callable[[MessageRecord, Facts], Decision | None]


def server_suspended(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 1: a suspended server's mail waits."""
    return Hold(SUSPENDED) if facts.server.is_suspended else None


def attempts_exhausted(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 1: the retry schedule has run out."""
    if record.tries < facts.max_attempts:
        return None
    return Fail(attempts_reached(facts.max_attempts), bounces=True, notice=BOUNCE_SENT)


def outcome_unknown(record: MessageRecord, facts: Facts) -> Decision | None:
    """A worker died with the message in hand; servers that must not duplicate ask a person, who has just decided where
    the message was released."""
    if not record.taken_over or (facts.manual and record.tries == 0):
        return None
    return None if facts.server.unknown_outcome is UnknownOutcome.RESEND else Hold(INTERRUPTED)


def spam_failure_threshold(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 4: spam that nobody wants to see, whatever the route says."""
    threshold = facts.server.spam_failure_threshold
    if record.inspection is None or record.inspection.spam.score < threshold:
        return None
    return Fail(
        "Message's spam score is higher than the failure threshold for this server. "
        f"Threshold is currently {one_decimal(threshold)}."
    )


def development_mode(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 5: a server in development mode hands on only what a person releases."""
    if facts.server.mode is not ServerMode.DEVELOPMENT or facts.manual:
        return None
    return Hold(DEVELOPMENT)


def route_present(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 6: the route is there, unless a person sent the message to an endpoint without one. A sender whose
    recipient's routes had conditions that the message did not fulfil is told; nothing else was accepted without."""
    if facts.route is not None or (record.way.endpoint_id and not record.way.route_id):
        return None
    return Fail(NO_ROUTE, bounces=not record.way.route_id)


def spam_mode(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 6: what the route wants done with spam."""
    if facts.manual or facts.route is None or record.inspection is None:
        return None
    if record.inspection.spam.status is not SpamStatus.SPAM:
        return None
    return _OF_SPAM.get(facts.route.spam_mode)


def outcome_of_score(score: float, server: Server, route: Route) -> SpamMode | None:
    """What steps 4 and 6 would do with a score: None where it is no spam."""
    if score >= server.spam_failure_threshold:
        return SpamMode.FAIL
    return route.spam_mode if score > server.spam_threshold else None


def route_mode(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 7: routes that have no endpoint."""
    if facts.route is None:
        return None
    match facts.route.mode:
        case RouteMode.ACCEPT:
            return Process(ACCEPTED)
        case RouteMode.HOLD:
            return Process("Message has been processed.") if facts.manual else Hold(ACCEPTED)
        case RouteMode.BOUNCE | RouteMode.REJECT:
            return Fail(ROUTE_ASKS, bounces=True, notice=SEE_BOUNCE)
        case RouteMode.ENDPOINT:
            return None


_OF_SPAM: dict[SpamMode, Decision] = {
    SpamMode.QUARANTINE: Hold("Message placed into quarantine."),
    SpamMode.FAIL: Fail("Message is spam and the route specifies it should be failed."),
}
