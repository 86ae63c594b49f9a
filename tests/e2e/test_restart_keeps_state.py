"""After a stop, the next start finds keys, mail, the clock and waiting messages again."""

from __future__ import annotations

import json

from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, message, wait_for


def test_keys_inbox_clock_and_waiting_messages_survive(start_stack: StartStack) -> None:
    first = start_stack()
    kept, late = "kept@example.test", "late+greylist@example.test"
    first.submit(kept, message(kept))
    caught = first.arrival(kept)
    first.advance(3600)
    first.submit(late, message(late))
    wait_for(lambda: _status(first, late) == "SoftFail", "the first attempt")
    assert first.stop() == 0

    second = start_stack()
    assert second.facts["server"] == first.facts["server"]
    assert second.facts["admin"] == first.facts["admin"]
    assert second.inbox(kept)[0]["id"] == caught["id"]
    assert second.get("/_local/clock")["offset"] >= 3600
    assert _status(second, kept) == "Sent"

    assert _status(second, late) == "SoftFail"

    # Who was greylisted is forgotten with the first run, so it takes another round.
    arrived = second.by_rounds(lambda: second.inbox(late), "the message that was waiting", 900)
    assert arrived[0]["rcpt_to"] == late
    assert second.stop() == 0


def _status(stack: RunningStack, rcpt: str) -> str:
    key = stack.facts["server"]["api_key"]
    status, body = stack.request(
        "GET", "/api/v2/emails?limit=50", headers={"Authorization": f"Bearer {key}"}
    )
    assert status == 200, body
    found = [each for each in json.loads(body)["data"] if each["to"] == rcpt]
    return str(found[0]["status"]) if found else ""
