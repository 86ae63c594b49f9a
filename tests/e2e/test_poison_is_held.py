"""A wake-up that no function can ever finish ends among the dead letters, and its message is held, not lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.target import chosen

RCPT = "poison+greylist@example.test"
DAMAGED = "no number"


def ask(stack: RunningStack, action: str, body: object) -> Any:
    key = {"X-Server-API-Key": stack.facts["server"]["api_key"]}
    _, answer = stack.request("POST", f"/api/v1/{action}", body, key)
    return json.loads(answer)["data"]


def status_of(stack: RunningStack, message: int) -> str:
    found = ask(stack, "messages/message", {"id": message, "_expansions": ["status"]})
    return str(found["status"]["status"])


class Tables:
    """What lies in the stack's storage, on AWS."""

    def __init__(self, stack: RunningStack) -> None:
        self._tables, self._sqs = stack.client("dynamodb"), stack.client("sqs")

    @contextlib.contextmanager
    def unreadable_server(self) -> Iterator[None]:
        """Until the end of the block the demo server's record is damaged, so that every batch with mail of it fails."""
        owner = self._item("ORGANIZATIONS", "demo")["v"]["M"]["id"]["N"]
        self._server = self._item(f"O#{owner}", "V#demo")["n"]["N"]
        server = self._item(f"V#{self._server}", "A")
        damaged = {**server, "v": {"M": {"id": {"S": DAMAGED}}}}
        self._tables.put_item(TableName="posthorn-control", Item=damaged)
        try:
            yield
        finally:
            self._tables.put_item(TableName="posthorn-control", Item=server)

    def letters(self) -> int:
        """Wake-ups in the dead letter queue, those in hand included."""
        url = self._sqs.get_queue_url(QueueName="posthorn-dead")["QueueUrl"]
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible")]
        counts = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(count) for count in counts.values())

    def is_held(self, message: int) -> bool:
        """Whether the record says Held; the API knows no damaged server."""
        pages = self._tables.get_paginator("scan").paginate(TableName="posthorn-mail")
        items = [item for page in pages for item in page["Items"]]
        of_demo = f"S#{self._server}#o#"
        (record,) = [
            item
            for item in items
            if item["PK"]["S"].startswith(of_demo) and item["SK"]["S"] == f"{message:010d}"
        ]
        return bool(record.get("fk", {}).get("S", "").endswith("#H"))

    def _item(self, partition: str, sort: str) -> Any:
        key = {"PK": {"S": partition}, "SK": {"S": sort}}
        return self._tables.get_item(TableName="posthorn-control", Key=key)["Item"]


class Files:
    """The same in the files of one host."""

    def __init__(self, stack: RunningStack) -> None:
        folder = stack.facts["environment"]["POSTHORN_STATE_FOLDER"]
        program = Posthorn(Settings(state_folder=folder), "sqlite")
        self._control, self._mail = program[ControlDatabase], program[MailDatabase]

    @contextlib.contextmanager
    def unreadable_server(self) -> Iterator[None]:
        """As on AWS."""
        servers = "SELECT owner, value FROM nouns WHERE kind = 'server'"
        values = dict(self._control.read(lambda db: fetched(db, servers)))
        ((owner, server),) = [
            each for each in values.items() if json.loads(each[1])["permalink"] == "demo"
        ]
        self._server = json.loads(server)["id"]
        self._put(owner, json.dumps({**json.loads(server), "id": DAMAGED}))
        try:
            yield
        finally:
            self._put(owner, server)

    def letters(self) -> int:
        """Jobs that are handed out no more."""
        return self._count("SELECT count(*) FROM queue WHERE receives >= 20")

    def is_held(self, message: int) -> bool:
        """As on AWS."""
        held = "SELECT count(*) FROM messages WHERE key = ? << 31 | ? AND flag = 'held'"
        return bool(self._count(held, self._server, message))

    def _count(self, statement: str, *values: int) -> int:
        found = self._mail.read(lambda db: fetched(db, statement, values))
        return int(found[0][0])

    def _put(self, owner: str, server: str) -> None:
        change = "UPDATE nouns SET value = ? WHERE kind = 'server' AND owner = ?"
        asyncio.run(self._control.write(lambda db: fetched(db, change, (server, owner))))


def test_a_poisonous_wake_up_becomes_a_dead_letter_and_its_message_is_held(
    stack: RunningStack,
) -> None:
    mail = {"to": [RCPT], "from": "hello@demo.test", "subject": "Hi", "plain_body": "Hello"}
    message = int(ask(stack, "send/message", mail)["messages"][RCPT]["id"])
    wait_for(lambda: status_of(stack, message) == "SoftFail", "the first attempt")
    stored = Files(stack) if chosen().embedded else Tables(stack)
    with stored.unreadable_server():
        stack.by_rounds(
            lambda: stored.letters() > 0 or stored.is_held(message),
            "a dead letter after twenty failed hand-outs",
        )
        assert stack.inbox(RCPT) == []
    stack.by_rounds(lambda: stored.is_held(message), "the message held")
    assert status_of(stack, message) == "Held"
    log = ask(stack, "messages/deliveries", {"id": message})
    assert [each["status"] for each in log] == ["SoftFail", "Held"]
    assert "could not be processed" in log[-1]["details"]
