"""The checks before sending: each decision of contract section 4, their order, and what a person may overrule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    Message,
    MessageRecord,
    Origin,
    Scope,
    Status,
)
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.outgoing.checks import Check, Decision, Facts, Fail, Hold
from chalicelib.domain.suppression import Reason, Suppression
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.servers import Server, ServerMode, UnknownOutcome
from chalicelib.services.outgoing.pipeline import STEPS

SERVER = Server(
    id=ServerId(1),
    organization_id=OrganizationId(1),
    organization_permalink="acme",
    permalink="app",
    name="App",
    token="abcdef",
    uuid="u",
    created_at=0,
)
DOMAIN = Domain("acme.test", OrganizationId(1), ServerId(1), "u", 0, "t", "abcdef", verified_at=1)
MESSAGE = Message(
    server_id=ServerId(1),
    id=MessageId(7),
    token="t" * 16,
    scope=Scope.OUTGOING,
    mail_from="app@acme.test",
    rcpt_to="john@example.com",
    subject="Hi",
    message_id="",
    received_at=1.0,
    size=10,
    blob=BlobRef("k", 0, 10),
    origin=Origin("default", "acme.test", "c"),
)
RECORD = MessageRecord(MESSAGE)
LISTED = Suppression("john@example.com", "too many hard fails", 1.0, 2)
FACTS = Facts(server=SERVER, domain=DOMAIN, suppression=None, max_attempts=18, manual=False)
CHECKS: list[Check] = [step for step in STEPS if not isinstance(step, type)]


def decide(record: MessageRecord, facts: Facts) -> Decision | None:
    """The first decision of the pipeline's checks, in its order; None lets the message go."""
    return next((made for check in CHECKS if (made := check(record, facts)) is not None), None)


def test_a_plain_message_goes() -> None:
    assert decide(RECORD, FACTS) is None


@pytest.mark.parametrize(
    ("record", "facts", "details"),
    [
        (
            RECORD,
            replace(FACTS, server=replace(SERVER, suspended_at=5)),
            "Mail server has been suspended. No e-mails can be processed at present. "
            "Contact support for assistance.",
        ),
        (
            replace(RECORD, message=replace(MESSAGE, hold=True)),
            FACTS,
            "Credential is configured to hold all messages authenticated by it.",
        ),
        (
            RECORD,
            replace(FACTS, suppression=LISTED),
            "Recipient (john@example.com) is on the suppression list (reason: too many hard fails)",
        ),
        (
            RECORD,
            replace(FACTS, server=replace(SERVER, mode=ServerMode.DEVELOPMENT)),
            "Server is in development mode.",
        ),
    ],
)
def test_held_with_the_text_of_the_contract(
    record: MessageRecord, facts: Facts, details: str
) -> None:
    assert decide(record, facts) == Hold(details)


@pytest.mark.parametrize(
    ("record", "facts", "start"),
    [
        (replace(RECORD, tries=18), FACTS, "Maximum number of delivery attempts (18)"),
        (RECORD, replace(FACTS, domain=None), "Message's domain no longer exist"),
        (
            replace(RECORD, message=replace(MESSAGE, rcpt_to="")),
            FACTS,
            "Message doesn't have an RCPT to",
        ),
    ],
)
def test_failed_with_the_text_of_the_contract(
    record: MessageRecord, facts: Facts, start: str
) -> None:
    decision = decide(record, facts)
    assert isinstance(decision, Fail)
    assert decision.details.startswith(start)


def test_exhausted_attempts_suppress_the_recipient() -> None:
    decision = decide(replace(RECORD, tries=18), FACTS)
    assert isinstance(decision, Fail)
    assert decision.suppress is Reason.SOFT_FAILS
    assert decision.details.endswith(
        "Added john@example.com to suppression list because delivery has failed 18 times."
    )


def test_attempts_that_were_exhausted_for_our_sake_suppress_nobody() -> None:
    soft = Delivery(1, Status.SOFT_FAIL, "Temporary", 1.0)
    ours = replace(soft, id=2, about_us=True)
    spent = replace(RECORD, tries=18)
    decision = decide(replace(spent, deliveries=(soft, ours)), FACTS)
    assert decision == Fail("Maximum number of delivery attempts (18) has been reached.")
    decision = decide(replace(spent, deliveries=(ours, soft)), FACTS)
    assert isinstance(decision, Fail)
    assert decision.suppress is Reason.SOFT_FAILS


def test_a_person_overrules_credential_suppression_and_development() -> None:
    development = replace(SERVER, mode=ServerMode.DEVELOPMENT)
    facts = replace(FACTS, server=development, suppression=LISTED, manual=True)
    held = replace(RECORD, message=replace(MESSAGE, hold=True))
    assert decide(held, facts) is None


def test_suspension_comes_before_everything_else() -> None:
    facts = replace(FACTS, server=replace(SERVER, suspended_at=5), domain=None)
    assert isinstance(decide(replace(RECORD, tries=18), facts), Hold)


def test_an_interrupted_attempt_is_held_only_where_the_server_asks_for_it() -> None:
    interrupted = replace(RECORD, taken_over=True)
    careful = replace(FACTS, server=replace(SERVER, unknown_outcome=UnknownOutcome.HOLD))
    assert decide(interrupted, FACTS) is None
    assert isinstance(decide(interrupted, careful), Hold)
    assert decide(interrupted, replace(careful, manual=True)) is None


def test_the_checks_come_in_the_order_of_the_contract_before_anything_is_read() -> None:
    names = [check.__name__ for check in CHECKS]
    assert names == [
        "server_suspended",
        "attempts_exhausted",
        "outcome_unknown",
        "domain_still_ours",
        "recipient_present",
        "credential_hold",
        "recipient_suppressed",
        "development_mode",
    ]
    acting = [step.__name__ for step in STEPS if isinstance(step, type)]
    assert acting == [
        "Inspect",
        "RateLimit",
        "SendLimit",
        "LoadBody",
        "TrackLinks",
        "Sign",
        "Transmit",
        "UpdateSuppressions",
        "DecideOutcome",
    ]
