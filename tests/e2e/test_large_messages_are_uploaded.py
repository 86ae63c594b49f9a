"""A message beyond what API Gateway takes: its bytes are put where the ticket says, and arrive as they are."""

from __future__ import annotations

import json
import urllib.request
from uuid import uuid4

from tests.e2e.stack import DIRECT, RunningStack, message
from tests.patience import PATIENCE

LINES = 60_000


def test_uploaded_bytes_arrive(stack: RunningStack) -> None:
    rcpt = f"large-{uuid4().hex[:8]}@example.test"
    content = message(
        rcpt, body="All of it, seventy octets to the line, so that nothing gets folded.\r\n" * LINES
    )
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}

    status, answer = stack.request("POST", "/api/v2/uploads", {"size": len(content)}, key)
    assert status == 201, answer
    ticket = json.loads(answer)
    put = urllib.request.Request(  # noqa: S310  # the address comes from our own stack
        ticket["url"],
        data=content,
        method=ticket["method"],
        headers={"Content-Type": ""} | ticket["headers"],
    )
    with DIRECT.open(put, timeout=PATIENCE) as stored:
        assert stored.status == 200
    sent = {"from": stack.facts["server"]["from"], "to": [rcpt], "raw_upload": ticket["id"]}
    status, answer = stack.request("POST", "/api/v2/emails", sent, key)
    assert status == 202, answer

    assert stack.raw(stack.arrival(rcpt)).endswith(content)
