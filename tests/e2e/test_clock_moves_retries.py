"""Moving the controlled clock makes waiting messages due at once, in every process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.stack import RunningStack, message, wait_for


def record_of(stack: RunningStack, rcpt: str) -> dict[str, Any]:
    """The record of the newest message for a recipient; empty when there is none."""
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    status, body = stack.request("GET", "/api/v2/emails?limit=100", headers=key)
    assert status == 200, body
    return next((each for each in json.loads(body)["data"] if each["to"] == rcpt), {})


def test_a_short_retry_waits_in_the_queue_until_the_clock_moves(stack: RunningStack) -> None:
    rcpt = "short+greylist@example.test"
    stack.submit(rcpt, message(rcpt))
    wait_for(lambda: record_of(stack, rcpt).get("status") == "SoftFail", "the first attempt")
    assert stack.inbox(rcpt) == []
    # More than once: the wake-up is queued after the outcome is seen, with a delay that begins then.
    stack.by_rounds(lambda: stack.inbox(rcpt), "the message", 900)
    assert wait_for(lambda: record_of(stack, rcpt)["status"] == "Sent", "the status")


def log_of(stack: RunningStack, record: dict[str, Any]) -> list[Any]:
    """The deliveries of a record so far."""
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    status, body = stack.request("GET", f"/api/v2/emails/{record['id']}/deliveries", headers=key)
    assert status == 200, body
    found: list[Any] = json.loads(body)["data"]
    return found


def test_a_long_schedule_plays_to_its_end(stack: RunningStack) -> None:
    rcpt = "never+451@example.test"
    stack.submit(rcpt, message(rcpt))
    record = wait_for(lambda: record_of(stack, rcpt), "the record")
    stack.by_tries(
        lambda: record_of(stack, rcpt)["status"] == "HardFail",
        lambda: len(log_of(stack, record)),
        "the last attempt",
    )
    assert stack.inbox(rcpt) == []


@pytest.mark.parametrize("advance", [-1, "60", None, True, 1e12, float("nan")])
def test_the_clock_refuses_to_go_back_or_nowhere(stack: RunningStack, advance: object) -> None:
    before = stack.get("/_local/clock")["offset"]
    status, body = stack.request("POST", "/_local/clock", {"advance": advance})
    assert status == 400
    assert "advance" in json.loads(body)["message"]
    assert stack.get("/_local/clock")["offset"] == before


def test_the_clock_tells_now_and_offset(stack: RunningStack) -> None:
    before = stack.get("/_local/clock")
    status, body = stack.request("POST", "/_local/clock", {"advance": 1.5})
    after = json.loads(body)
    assert status == 200
    assert after["offset"] == pytest.approx(before["offset"] + 1.5)
    assert 1.5 <= after["now"] - before["now"] < 30


def test_signatures_are_judged_by_the_moved_clock(stack: RunningStack) -> None:
    stack.advance(3 * 86_400)
    rcpt = "later@example.test"
    stack.submit(rcpt, message(rcpt))
    caught = stack.arrival(rcpt)
    verdict = stack.get(f"/_local/inbox/messages/{caught['id']}")["verdict"]
    assert (verdict["dkim"], verdict["dmarc"]) == ("pass", "pass")
