"""Receivers that defer, refuse or vanish: what the API tells of it, and what becomes of the message over time."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.stack import RunningStack, wait_for


def send(stack: RunningStack, rcpt: str) -> int:
    """Send through the v1 API; the message's id."""
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    body = {"to": [rcpt], "from": "hello@demo.test", "subject": "Hi", "plain_body": "Hello"}
    status, answer = stack.request("POST", "/api/v1/send/message", body, key)
    assert status == 200
    data = json.loads(answer)
    assert data["status"] == "success", data
    return int(data["data"]["messages"][rcpt]["id"])


def ask(stack: RunningStack, action: str, message: int) -> Any:
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    body = {"id": message, "_expansions": ["status"]}
    _, answer = stack.request("POST", f"/api/v1/messages/{action}", body, key)
    return json.loads(answer)["data"]


def status_of(stack: RunningStack, message: int) -> str:
    return str(ask(stack, "message", message)["status"]["status"])


def wait_for_status(stack: RunningStack, message: int, wanted: str) -> None:
    wait_for(lambda: status_of(stack, message) == wanted, f"status {wanted}")


def test_a_refused_message_fails_with_the_receiver_s_words(stack: RunningStack) -> None:
    message = send(stack, "refused+550@example.test")
    wait_for_status(stack, message, "HardFail")
    (delivery,) = ask(stack, "deliveries", message)
    assert delivery["details"].startswith(
        "Permanent SMTP delivery error when sending to 127.0.0.1:"
    )
    assert delivery["output"].startswith("550")
    assert delivery["log_id"]


def test_a_deferred_message_is_tried_by_schedule_and_delivered(stack: RunningStack) -> None:
    rcpt = "deferred-first+greylist@example.test"
    message = send(stack, rcpt)
    wait_for_status(stack, message, "SoftFail")
    assert stack.inbox(rcpt) == []
    stack.by_rounds(lambda: status_of(stack, message) == "Sent", "Sent")
    stack.arrival(rcpt)
    statuses = [each["status"] for each in ask(stack, "deliveries", message)]
    assert statuses[0] == "SoftFail"
    assert statuses[-1] == "Sent"


def test_a_day_and_a_half_of_refusals_ends_in_a_failure_and_a_suppression(
    stack: RunningStack,
) -> None:
    rcpt = "for-a-day-and-a-half+451@example.test"
    message = send(stack, rcpt)
    stack.by_tries(
        lambda: status_of(stack, message) == "HardFail",
        lambda: len(ask(stack, "deliveries", message)),
        "the last attempt",
    )
    log = ask(stack, "deliveries", message)
    assert [each["status"] for each in log] == [*["SoftFail"] * 18, "HardFail"]
    assert "Maximum number of delivery attempts (18)" in log[-1]["details"]
    again = send(stack, rcpt)
    wait_for_status(stack, again, "Held")
    assert "suppression list" in ask(stack, "deliveries", again)[0]["details"]
