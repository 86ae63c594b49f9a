"""A broadcast that is scheduled, leaves at its time, and whose recipient unsubscribes with one click."""

from __future__ import annotations

import json
import re
import secrets
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from infra.local.deployed import direct
from tests.e2e.stack import RunningStack, message, wait_for
from tests.patience import PATIENCE

HOUR = 3_600
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """What a mailbox provider, or a person, gets."""
    assert url.startswith("http://127.0.0.1:")
    request = urllib.request.Request(url, body, FORM)  # noqa: S310  # see above
    try:
        with direct.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read()


def api(stack: RunningStack, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    status, answer = stack.request(method, f"/api/v2{path}", body, headers)
    assert status in (200, 202), answer
    return json.loads(answer)


def send(stack: RunningStack, to: str, **more: Any) -> Any:
    sender = stack.facts["server"]["from"]
    wanted = {"from": sender, "to": to, "subject": "News", "text": "Hello"} | more
    return api(stack, "POST", "/emails", wanted)


def later(stack: RunningStack, seconds: float) -> str:
    now = stack.get("/_local/clock")["now"]
    return datetime.fromtimestamp(now + seconds, UTC).isoformat(timespec="milliseconds")


def test_a_broadcast_leaves_at_its_time_and_its_recipient_leaves_it(stack: RunningStack) -> None:
    to = f"reader-{secrets.token_hex(6)}@example.test"
    made = send(
        stack, to, stream="broadcast", metadata={"issue": "17"}, scheduled_at=later(stack, HOUR)
    )
    found = api(stack, "GET", f"/emails/{made['id']}")
    assert (found["status"], found["wait"]["code"]) == ("Pending", "scheduled")
    listed = api(stack, "GET", "/emails?status=scheduled")["data"]
    assert made["id"] in [one["id"] for one in listed]
    assert stack.inbox(to) == []
    stack.advance(HOUR)
    raw = stack.raw(stack.by_rounds(lambda: stack.inbox(to), "the message at its time", 60)[0])
    assert raw.count(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 1
    link = re.search(rb"List-Unsubscribe: <(http[^>]+/u/[0-9A-Za-z]{31})>", raw)
    assert link is not None
    url = link[1].decode()
    assert url.startswith(stack.facts["http"])
    sent = wait_for(
        lambda: (one := api(stack, "GET", f"/emails/{made['id']}"))["status"] == "Sent" and one,
        "the status",
    )
    assert (sent["metadata"], sent["stream"]) == ({"issue": "17"}, "broadcast")

    status, page = ask(url)
    assert (status, to.encode() in page) == (200, True)
    assert ask(url, b"scope=server")[0] == 400
    assert ask(url[:-1], b"List-Unsubscribe=One-Click")[0] == 404
    again = f"kept-{secrets.token_hex(6)}@example.test"
    send(stack, again, stream="broadcast")
    stack.arrival(again)
    for _ in range(2):
        assert ask(url, b"List-Unsubscribe=One-Click")[0] == 200
    held = send(stack, to, stream="broadcast")
    wait_for(
        lambda: api(stack, "GET", f"/emails/{held['id']}")["status"] == "Held",
        "the message for whom unsubscribed",
    )


def test_fields_by_smtp_schedule_a_message(stack: RunningStack) -> None:
    to = f"smtp-{secrets.token_hex(6)}@example.test"
    fields = f"X-Posthorn-Schedule: {later(stack, HOUR)}\r\nX-Posthorn-Stream: broadcast\r\n"
    stack.submit(to, fields.encode() + message(to))
    wait_for(
        lambda: [
            one
            for one in api(stack, "GET", "/emails?status=scheduled")["data"]
            if one["to"] == to and one["stream"] == "broadcast"
        ],
        "the scheduled message",
    )
    assert stack.inbox(to) == []
    stack.advance(HOUR)
    raw = stack.raw(stack.by_rounds(lambda: stack.inbox(to), "the message at its time", 60)[0])
    assert b"x-posthorn" not in raw.lower()
