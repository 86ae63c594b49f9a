"""One message to several people: each has a copy, a record and a fate of their own."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.stack import RunningStack, message, wait_for

HEADERS = b"\r\n\r\n"


def identity(stack: RunningStack, rcpt: str) -> bytes:
    """The Message-ID field of what arrived for a recipient."""
    header = stack.raw(stack.arrival(rcpt)).partition(HEADERS)[0]
    (line,) = [line for line in header.split(b"\r\n") if line.lower().startswith(b"message-id:")]
    return line


def test_a_request_to_several_recipients_reaches_each(stack: RunningStack) -> None:
    people = {kind: f"several-{kind}@{kind}.example.test" for kind in ("to", "cc", "bcc")}
    refused = "several+550@to.example.test"
    body = {
        "to": [people["to"], refused],
        "cc": [people["cc"]],
        "bcc": [people["bcc"]],
        "from": "hello@demo.test",
        "subject": "To several",
        "plain_body": "Hello",
    }
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    status, answer = stack.request("POST", "/api/v1/send/message", body, key)
    assert status == 200
    made: dict[str, Any] = json.loads(answer)["data"]["messages"]
    assert set(made) == {*people.values(), refused}
    assert len({identity(stack, rcpt) for rcpt in people.values()}) == 1

    def state(rcpt: str) -> str:
        question = {"id": made[rcpt]["id"], "_expansions": ["status"]}
        _, found = stack.request("POST", "/api/v1/messages/message", question, key)
        return str(json.loads(found)["data"]["status"]["status"])

    wait_for(lambda: state(refused) == "HardFail", "the refusal")
    for rcpt in people.values():
        wait_for(lambda rcpt=rcpt: state(rcpt) == "Sent", f"Sent for {rcpt}")
    for rcpt in people.values():
        header = stack.raw(stack.arrival(rcpt)).partition(HEADERS)[0]
        assert (
            people["bcc"].encode()
            not in header.replace(b"for <" + people["bcc"].encode(), b"").partition(b"\r\nFrom:")[2]
        )


def test_a_submission_to_several_recipients_reaches_each(stack: RunningStack) -> None:
    people = [f"several-{number}@example{number % 2}.test" for number in range(5)]
    stack.submit(people, message(people[0], "To five"))
    for rcpt in people:
        assert stack.arrival(rcpt)["subject"] == "To five"
        assert len(stack.inbox(rcpt)) == 1
