"""Why a message is not done: by its state, and by the words of what held it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pkgutil import walk_packages

import pytest

from chalicelib.domain import decision_texts, lifecycle
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, hold_of
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.outgoing import checks
from chalicelib.domain.outgoing.checks import Check, Facts, Hold
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.domain.tenancy.servers import ServerMode, UnknownOutcome
from chalicelib.domain.waits import TOO_MANY_CONNECTIONS, Wait, WaitCode, wait_of
from chalicelib.services.queue.dead_letters import GIVEN_UP
from tests.fakes import NOW, a_delivery, a_message, a_server, an_organization

NEW = MessageRecord(a_message(ServerId(1), 1))
LEASED = replace(NEW, state=State.LEASED, lease_owner="me", lease_until=NOW + 300)
SERVER = a_server(an_organization())
SUPPRESSED = Suppression(NEW.message.rcpt_to, "too many hard fails", NOW, NOW + 9)


def held(details: str, log_id: str | None = None) -> MessageRecord:
    delivery = replace(a_delivery(3, Status.HELD, at=NOW + 1.5), details=details, log_id=log_id)
    return lifecycle.held(LEASED, delivery, NOW + 900)


def test_a_new_message_is_queued_since_it_was_accepted() -> None:
    assert wait_of(NEW) == Wait(WaitCode.QUEUED, "", NEW.message.received_at)


def test_one_that_is_tried_is_in_progress() -> None:
    assert wait_of(LEASED) == Wait(WaitCode.IN_PROGRESS, "", NEW.message.received_at)


def test_one_that_failed_is_tried_again() -> None:
    delivery = replace(a_delivery(3, Status.SOFT_FAIL, at=NOW + 1.5), details="Not now")
    record = lifecycle.waiting(LEASED, delivery, NOW + 60)
    assert wait_of(record) == Wait(WaitCode.RETRY, "Not now", NOW + 1.5, NOW + 60)


@pytest.mark.parametrize(
    ("details", "output", "code"),
    [
        ("No egress source of pool eu is available. It is down", None, WaitCode.SOURCE),
        ("No SMTP servers were available", TOO_MANY_CONNECTIONS, WaitCode.THROTTLED),
        ("Temporary SMTP error", "450 No egress source of pool", WaitCode.RETRY),
        ("Temporary SMTP error", None, WaitCode.RETRY),
    ],
)
def test_why_it_is_tried_again_is_told_apart(
    details: str, output: str | None, code: WaitCode
) -> None:
    delivery = a_delivery(3, Status.SOFT_FAIL, at=NOW + 1.5, details=details, output=output)
    found = wait_of(lifecycle.waiting(LEASED, delivery, NOW + 60))
    assert found == Wait(code, details, NOW + 1.5, NOW + 60)


def test_one_that_is_sent_on_is_queued_since_then() -> None:
    released = lifecycle.released(held("Held by Ada."), NOW + 50)
    assert wait_of(released) == Wait(WaitCode.QUEUED, "", NOW + 50)


def test_what_is_done_waits_for_nothing() -> None:
    for status in (Status.SENT, Status.HARD_FAIL, Status.HOLD_CANCELLED):
        assert wait_of(lifecycle.done(LEASED, a_delivery(3, status))) is None


@pytest.mark.parametrize(
    ("check", "record", "server", "code"),
    [
        (checks.server_suspended, LEASED, {"suspended_at": NOW}, "suspended"),
        (
            checks.outcome_unknown,
            replace(LEASED, taken_over=True),
            {"unknown_outcome": UnknownOutcome.HOLD},
            "unknown_outcome",
        ),
        (
            checks.credential_hold,
            replace(LEASED, message=replace(LEASED.message, hold=True)),
            {},
            "credential",
        ),
        (checks.recipient_suppressed, LEASED, {}, "suppressed"),
        (checks.development_mode, LEASED, {"mode": ServerMode.DEVELOPMENT}, "development"),
    ],
)
def test_each_check_that_holds_has_a_code(
    check: Check, record: MessageRecord, server: dict[str, object], code: str
) -> None:
    facts = Facts(
        server=replace(SERVER, **server),  # type: ignore[arg-type]
        domain=None,
        suppression=SUPPRESSED,
        max_attempts=18,
        manual=False,
    )
    decision = check(record, facts)
    assert isinstance(decision, Hold)
    expected = Wait(WaitCode(code), decision.details, NOW + 1.5, NOW + 900)
    assert wait_of(held(decision.details)) == expected


def test_a_send_limit_says_when_the_message_is_thought_to_go() -> None:
    limit = Limit(LimitOwner(OwnerKind.SERVER, 1), Period.HOUR, 5)
    found = wait_of(replace(held(limit.words), limit_hold=hold_of(limit, NOW + 7.9)))
    assert found == Wait(WaitCode.SEND_LIMIT, limit.words, NOW + 1.5, NOW + 7)


@pytest.mark.parametrize(
    ("details", "log_id", "code"),
    [
        ("Held by Recipient (x).", None, "manual"),
        ("whatever else", None, "manual"),
        ("Message placed into quarantine.", None, "quarantine"),
        ("Message has been accepted but not sent to any endpoints.", None, "route"),
        (GIVEN_UP, None, "dead_letter"),
        ("Restored from a backup of 2026-03-22 12:00 UTC", None, "unknown_outcome"),
        ("Connection lost after the message was sent", "LOGID", "unknown_outcome"),
    ],
)
def test_other_holds(details: str, log_id: str | None, code: str) -> None:
    found = wait_of(held(details, log_id))
    assert found is not None
    assert found.code == code


OF_INCOMING = {
    decision_texts.SUSPENDED: "suspended",
    decision_texts.INTERRUPTED: "unknown_outcome",
    decision_texts.DEVELOPMENT: "development",
    "Message placed into quarantine.": "quarantine",
    "Message has been accepted but not sent to any endpoints.": "route",
    "Endpoint is disabled.": "endpoint",
}


def test_each_text_that_holds_incoming_mail_has_a_code() -> None:
    assert set(texts_of_holds("chalicelib.domain.incoming", "chalicelib.services.incoming")) == (
        set(OF_INCOMING)
    )
    found = {text: wait_of(held(text)) for text in OF_INCOMING}
    assert {text: wait.code for text, wait in found.items() if wait} == OF_INCOMING


def texts_of_holds(*packages: str) -> Iterator[str]:
    """What each `Hold(…)` in these packages says: a text, or the name of one."""
    for package in packages:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            module = import_module(found.name)
            for node in ast.walk(ast.parse(inspect.getsource(module))):
                is_hold = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Hold"
                # One of a limit has its words from that.
                if isinstance(node, ast.Call) and is_hold and len(node.args) == 1:
                    (said,) = node.args
                    yield getattr(module, said.id) if isinstance(said, ast.Name) else said.value


def test_a_hold_without_a_delivery_is_for_a_person() -> None:
    found = wait_of(replace(NEW, state=State.HELD, held=True))
    assert found == Wait(WaitCode.MANUAL, "", NEW.message.received_at)
