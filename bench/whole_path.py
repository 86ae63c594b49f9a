"""A message's whole path on an AWS backend, step by step: accept, event source, delivering function, sink.

Accepting is done as the gateway does it (batches) and as the HTTP function does it (one request a message, through
Chalice), all in this process. The event source is Lambda's work: its receives and deletes count as calls, because they
are billed, but not as our CPU. The meter sees every call; the CPU is that of this process, so the emulator's and the
sink's are not in it.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import botocore.session

from bench.changes import Changes
from bench.sink import Sink
from bench.smtp_load import message
from bench.tenant import SENDER, Tenant, make_tenant
from chalicelib import bootstrap
from chalicelib.adapters.aws.meter import Usage
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Prepared, Recipient, Submission
from infra.local.invocation import Context, sqs_event

COMMIT = 64
CHANGES = 300
BATCH = 50
RECEIVE = 10
SIZE = 4_096
PATIENCE_SECONDS = 60.0
RECEIVED = (
    b"Received: from client.bench.example (localhost [127.0.0.1]) by posthorn.example.com with"
    b" SMTP; Fri, 22 Mar 2024 12:00:00 +0000\r\n"
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What `messages` messages took together: calls and units as metered, CPU seconds of accepting and delivering."""

    messages: int
    usage: Usage
    accept_cpu: float
    deliver_cpu: float

    @property
    def calls(self) -> float:
        """AWS calls a message."""
        return self.usage.total_calls / self.messages

    @property
    def write_units(self) -> float:
        """DynamoDB write units a message."""
        return self.usage.write_units / self.messages

    @property
    def cpu(self) -> float:
        """CPU milliseconds a message."""
        return (self.accept_cpu + self.deliver_cpu) * 1_000 / self.messages


class WholePath:
    """The program on an AWS backend with one tenant and a sink as its smarthost."""

    def __init__(self, program: Posthorn, tenant: Tenant, sink: Sink) -> None:
        from functions.api import app
        from functions.deliver import deliver

        self._program = program
        self._meter = program.meter
        self._tenant = tenant
        self._sink = sink
        self._app: Any = app
        self._deliver: Any = deliver
        self._number = 0
        self._changes = Changes(program.settings.mail_table)
        session = botocore.session.get_session()
        self._meter.attach(session)
        sqs: Any = session.create_client("sqs")
        self._sqs = sqs
        queue = f"{program.settings.queue_prefix}deliver-default"
        self._url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def by_smtp(self, messages: int) -> Spent:
        """Accept in group commits of COMMIT, then deliver everything."""
        sizes = [min(COMMIT, messages - at) for at in range(0, messages, COMMIT)]
        return self._measured(messages, [partial(self._commit, size) for size in sizes])

    def by_http(self, messages: int) -> Spent:
        """Accept by one request a message, then deliver everything."""
        return self._measured(messages, [self._post] * messages)

    def by_http_batches(self, batches: int, size: int = BATCH) -> Spent:
        """Accept by requests of `size` messages each, then deliver everything."""
        return self._measured(batches * size, [partial(self._post_batch, size)] * batches)

    def count(self, messages: int = 1) -> Spent:
        """Count what has changed since the last time, in batches of CHANGES, as the outbox does for `messages`."""
        changes = self._changes.take()
        self._meter.reset()
        for answer in self._changes.hand_over(changes, CHANGES):
            assert answer == {"batchItemFailures": [], "state": {}}, answer
        return Spent(messages, self._meter.snapshot(), 0.0, 0.0)

    def _measured(self, messages: int, accepts: Sequence[Callable[[], None]]) -> Spent:
        already = self._sink.begin()
        self._meter.reset()
        with contextlib.redirect_stdout(io.StringIO()):  # the functions' log lines
            begin = time.process_time()
            for accept in accepts:
                accept()
            accepted = time.process_time() - begin
            delivered = self._deliver_all(messages)
        self._sink.wait_for(already + messages, PATIENCE_SECONDS)
        assert self._sink.unsigned == 0
        assert self._sink.count == already + messages
        return Spent(messages, self._meter.snapshot(), accepted, delivered)

    def _commit(self, messages: int) -> None:
        bootstrap.run(self._accept(messages))

    async def _accept(self, messages: int) -> None:
        content = message(SIZE, SENDER).removesuffix(b".\r\n")
        prepared: list[Prepared] = []
        for _ in range(messages):
            to = (Recipient(self._next_recipient()),)
            submission = Submission(self._tenant.principal, SENDER, to, content, received=RECEIVED)
            prepared.append(await self._program[AcceptMail].prepare(submission))
        await self._program[AcceptMail].store(prepared)

    def _post(self) -> None:
        event = _http_event("/api/v2/emails", self._email(), self._tenant.api_key)
        answer = self._app(event, Context("api"))
        assert answer["statusCode"] == 202, answer

    def _post_batch(self, size: int) -> None:
        batch = [self._email() for _ in range(size)]
        event = _http_event("/api/v2/emails/batch", batch, self._tenant.api_key)
        answer = self._app(event, Context("api"))
        assert answer["statusCode"] == 200, answer
        assert json.loads(answer["body"])["accepted"] == size, answer

    def _email(self) -> dict[str, Any]:
        html = "<p>" + "Lorem ipsum dolor sit amet " * (SIZE // 27) + "</p>"
        return {"from": SENDER, "to": [self._next_recipient()], "subject": "Hello", "html": html}

    def _deliver_all(self, messages: int) -> float:
        """Play Lambda until every wake-up is done with; the CPU seconds of the function alone."""
        spent, done = 0.0, 0
        end = time.monotonic() + PATIENCE_SECONDS
        while done < messages:
            assert time.monotonic() < end, f"{done} of {messages} delivered"
            batch = self._receive()
            if not batch:
                continue
            event = sqs_event(batch, "arn:aws:sqs:us-east-1:000000000000:deliver", "us-east-1")
            begin = time.process_time()
            failures = self._deliver(event, Context("deliver"))["batchItemFailures"]
            spent += time.process_time() - begin
            assert not failures, failures
            for at in range(0, len(batch), RECEIVE):
                self._delete(batch[at : at + RECEIVE])
            done += len(batch)
        return spent

    def _receive(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        while len(batch) < BATCH:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=RECEIVE, AttributeNames=["All"]
            )
            found = answer.get("Messages", [])
            batch += found
            if len(found) < RECEIVE:
                break
        return batch

    def _delete(self, messages: Sequence[dict[str, Any]]) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _next_recipient(self) -> str:
        self._number += 1
        return f"rcpt{self._number}@sink.example"


@contextlib.contextmanager
def whole_path(settings: Settings) -> Iterator[WholePath]:
    """The program on this data plane, warmed up; the standard AWS variables must point at its backend."""
    with Sink() as sink:
        way_out = EgressSource(
            "default", kind=EgressKind.SMARTHOST, host="127.0.0.1", port=sink.port, tls="none"
        )
        program = bootstrap.on_aws(replace(settings, allow_private_delivery=True))
        bootstrap.use(program)
        try:
            tenant = bootstrap.run(make_tenant(program, way_out))
            path = WholePath(program, tenant, sink)
            path.by_smtp(4)
            path.by_http(1)
            yield path
        finally:
            bootstrap.use(None)


def by_operation(usage: Usage, messages: int) -> dict[str, float]:
    """Calls a message of each operation, most frequent first."""
    return {name: count / messages for name, count in Counter(usage.calls).most_common()}


def _http_event(path: str, value: object, key: str) -> dict[str, Any]:
    """What API Gateway hands to the function."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [text] for name, text in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": path,
            "path": path,
            "requestId": "bench",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": json.dumps(value),
        "isBase64Encoded": False,
    }
