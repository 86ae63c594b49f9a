"""A wake-up that no function can ever finish ends among the dead letters, and its message is held, not lost."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from tests.e2e.stack import RunningStack, wait_for

RCPT = "poison+greylist@example.test"


def ask(stack: RunningStack, action: str, body: object) -> Any:
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    _, answer = stack.request("POST", f"/api/v1/{action}", body, key)
    return json.loads(answer)["data"]


def status_of(stack: RunningStack, message: int) -> str:
    found = ask(stack, "messages/message", {"id": message, "_expansions": ["status"]})
    return str(found["status"]["status"])


@contextlib.contextmanager
def unreadable_server(stack: RunningStack) -> Iterator[None]:
    """The demo server's record is damaged, so that every batch with mail of it fails, until the end of the block."""
    table = stack.client("dynamodb")

    def get(partition: str, sort: str) -> Any:
        key = {"PK": {"S": partition}, "SK": {"S": sort}}
        return table.get_item(TableName="posthorn-control", Key=key)["Item"]

    owner = get("ORGANIZATIONS", "demo")["v"]["M"]["id"]["N"]
    server = get(f"V#{get(f'O#{owner}', 'V#demo')['n']['N']}", "A")
    damaged = {**server, "v": {"M": {"id": {"S": "no number"}}}}
    table.put_item(TableName="posthorn-control", Item=damaged)
    try:
        yield
    finally:
        table.put_item(TableName="posthorn-control", Item=server)


def letters(stack: RunningStack) -> int:
    """Wake-ups in the dead letter queue, those in hand included."""
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName="posthorn-dead")["QueueUrl"]
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible")]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counts.values())


def is_held(stack: RunningStack, message: int) -> bool:
    """Whether the record says Held; read from the table, because the API knows no damaged server."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName="posthorn-mail")
    items = [item for page in pages for item in page["Items"]]
    (record,) = [item for item in items if item["SK"]["S"] == f"{message:010d}"]
    return bool(record.get("fk", {}).get("S", "").endswith("#H"))


def test_a_poisonous_wake_up_becomes_a_dead_letter_and_its_message_is_held(
    stack: RunningStack,
) -> None:
    mail = {"to": [RCPT], "from": "hello@demo.test", "subject": "Hi", "plain_body": "Hello"}
    message = int(ask(stack, "send/message", mail)["messages"][RCPT]["id"])
    wait_for(lambda: status_of(stack, message) == "SoftFail", "the first attempt")
    with unreadable_server(stack):
        stack.by_rounds(
            lambda: letters(stack) > 0 or is_held(stack, message),
            "a dead letter after twenty failed hand-outs",
        )
        assert stack.inbox(RCPT) == []
    stack.by_rounds(lambda: is_held(stack, message), "the message held")
    assert status_of(stack, message) == "Held"
    log = ask(stack, "messages/deliveries", {"id": message})
    assert [each["status"] for each in log] == ["SoftFail", "Held"]
    assert "could not be processed" in log[-1]["details"]
