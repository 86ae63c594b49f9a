"""What keeps an outgoing message from being sent: named checks, each pure.

A check looks at the record and the gathered facts and returns a decision, or None to let the message go on. Their
order is that of contract section 4; `chalicelib.services.outgoing.pipeline` has it. Nothing here sends, stores or reads
the clock.
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
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.suppression import Reason, Suppression
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.servers import Server, UnknownOutcome
from chalicelib.domain.tenancy.servers import ServerMode as Mode


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks need to know. `manual` says that a person released the message, which lifts the checks that a
    person may overrule (contract section 4, steps 5, 6 and 14). `for_postmaster`: it is mail that must always reach who
    answers for the installation, which neither list, limit nor score keeps back."""

    server: Server
    domain: Domain | None
    suppression: Suppression | None
    max_attempts: int
    manual: bool
    for_postmaster: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message for a person, or for the `limit` that lets it go by itself."""

    details: str
    limit: LimitHold | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Give the message up; `suppress` is the reason to list the recipient for, if any."""

    details: str
    suppress: Reason | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """Nothing was sent, and the message is tried again."""

    details: str


Decision = Hold | Fail | TryLater
Check = Callable[[MessageRecord, Facts], Decision | None]


def server_suspended(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 2: a suspended server's mail waits."""
    if not facts.server.is_suspended:
        return None
    return Hold(SUSPENDED)


def attempts_exhausted(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 3: the retry schedule has run out. It suppresses the recipient unless the last failure said nothing of
    them."""
    if record.tries < facts.max_attempts:
        return None
    reached = attempts_reached(facts.max_attempts)
    if facts.for_postmaster or any(delivery.about_us for delivery in record.deliveries[-1:]):
        return Fail(reached)
    rcpt = record.message.rcpt_to
    return Fail(
        f"{reached} Added {rcpt} to suppression list because delivery has failed {facts.max_attempts} times.",
        suppress=Reason.SOFT_FAILS,
    )


def outcome_unknown(record: MessageRecord, facts: Facts) -> Decision | None:
    """A worker died with the message in hand; servers that must not duplicate ask a person."""
    if not record.taken_over or facts.manual:
        return None
    if facts.server.unknown_outcome is UnknownOutcome.RESEND:
        return None
    return Hold(INTERRUPTED)


def domain_still_ours(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 4: the authorised domain was removed or is no longer verified."""
    return None if facts.domain is not None else Fail("Message's domain no longer exist")


def recipient_present(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 4: a message needs a recipient."""
    return None if record.message.rcpt_to else Fail("Message doesn't have an RCPT to")


def credential_hold(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 5: the credential holds everything that is submitted with it."""
    if not record.message.hold or facts.manual:
        return None
    return Hold("Credential is configured to hold all messages authenticated by it.")


def recipient_suppressed(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 6: the recipient is on the server's suppression list."""
    if facts.suppression is None or facts.manual or facts.for_postmaster:
        return None
    return Hold(
        f"Recipient ({record.message.rcpt_to}) is on the suppression list "
        f"(reason: {facts.suppression.reason})"
    )


def likely_spam(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 9: what was found when the message was scanned, under the threshold of this moment."""
    threshold = None if facts.for_postmaster else facts.server.outbound_spam_threshold
    if threshold is None or record.inspection is None or record.inspection.spam.score < threshold:
        return None
    score = record.inspection.spam.score
    return Fail(
        f"Message is likely spam. Threshold is {threshold:.1f} and the message scored {score:.1f}."
    )


def development_mode(record: MessageRecord, facts: Facts) -> Decision | None:
    """Step 14: a server in development mode sends only what a person releases."""
    if facts.server.mode is not Mode.DEVELOPMENT or facts.manual:
        return None
    return Hold(DEVELOPMENT)
