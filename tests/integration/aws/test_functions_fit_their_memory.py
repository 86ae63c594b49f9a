"""Each function stays within the memory that the template gives it, with the most that one event can bring.

The functions run in processes of their own over the AWS adapters, as Lambda runs them, and the peak of the process is
what is looked at. docs/operations.md has the bounds that these inputs come from. The delivering function, whose bound
is a budget of bytes in hand, has tests of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.dynamo.records import message_item
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.delivery_job import render_job
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.events.event import LONGEST_BODY
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.model import DeliveryJob, MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.endpoints import EndpointType, PayloadEncoding, PayloadFormat
from chalicelib.domain.tenancy.routes import ROUTES, Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.webhooks.delivery import (
    LONGEST_RESPONSE,
    MOST_ATTEMPTS_KEPT,
    Header,
    WebhookAttempt,
)
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.domain.webhooks.lane_job import render_lane_job
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.webhooks.webhooks import Webhooks
from infra.local.exchange import Request
from infra.local.function_url import event_of
from infra.local.invocation import schedule_event, sqs_event, stream_event
from tests.fakes import a_delivery, a_message
from tests.integration.api.test_lambda_events import event
from tests.lambda_process import LambdaProcess, lambda_process, memory_of
from tests.tenants import make_tenant
from tests.tracking_scene import TrackedMail, mac_key_of
from tests.webhook_events import a_delivery as a_webhook_delivery

pytestmark = [pytest.mark.aws, pytest.mark.slow]

ROOM = 0.75  # of the memory is for us; the rest is Lambda's own, and what we have not thought of
PRIVATE = {"POSTHORN_ALLOW_PRIVATE_DESTINATIONS": "1", "POSTHORN_DEADLINE_SECONDS": "100"}
EVENT_OCTETS = 6 * 1024 * 1024
LARGEST = Settings().max_message_size
GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}
GOOD_V1 = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "Hello"}


@dataclass(frozen=True, slots=True)
class Place:
    """An installation with a tenant, and how to start its functions."""

    program: Posthorn
    server: Server
    key: str
    variables: Mapping[str, str]
    log: Path

    def function(self, handler: str, more: Mapping[str, str] | None = None) -> Any:
        return lambda_process(handler, {**self.variables, **(more or {})}, self.log)


@pytest.fixture
def place(aws_settings: Settings, tmp_path: Path) -> Place:
    program = bootstrap.on_aws(replace(aws_settings, allow_private_destinations=True))
    server, key = bootstrap.run(make_tenant(program, CredentialKind.API))
    variables = {f"POSTHORN_{name.upper()}": str(one) for name, one in asdict(aws_settings).items()}
    return Place(program, server, key, variables, tmp_path / "log")


@dataclass(frozen=True, slots=True)
class Api:
    """The API's process, asked by the tenant."""

    process: LambdaProcess
    key: str

    def ask(self, path: str, value: Any, *, with_key: bool = True) -> tuple[int, Any, float]:
        """Status, JSON answer, and the peak of the process so far."""
        headers = {"Content-Type": "application/json"}
        if with_key:
            headers |= {"Authorization": f"Bearer {self.key}", "X-Server-API-Key": self.key}
        body = value if isinstance(value, str) else json.dumps(value)
        assert len(body) < EVENT_OCTETS
        called = self.process.call(event("POST", f"/api{path}", body, False, headers=headers))
        return called.answer["statusCode"], json.loads(called.answer["body"]), called.peak

    def upload(self, content: bytes) -> str:
        """The id of uploaded bytes."""
        status, ticket, _ = self.ask("/v2/uploads", {"size": len(content)})
        assert status == 201
        headers = {**ticket["headers"], "Content-Type": ""}
        request = urllib.request.Request(  # noqa: S310  # the test's own backend
            ticket["url"], content, headers, method=ticket["method"]
        )
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310  # as above
        found: str = ticket["id"]
        return found


@pytest.fixture
def api(place: Place) -> Iterator[Api]:
    with place.function("functions.api.app") as process:
        yield Api(process, place.key)


def test_an_upload_named_500_times_costs_the_api_no_memory(api: Api) -> None:
    upload = api.upload(b"x" * (8 << 20))
    *_, before = api.ask("/v2/emails", GOOD)
    named = GOOD | {"attachments": [{"filename": "a", "upload": upload}] * 500}
    status, problem, after = api.ask("/v2/emails", named)
    assert (status, problem["code"]) == (413, "content_too_large")
    assert after - before < 16


def whole(api: Api, head: bytes, piece: bytes, size: int) -> str:
    """The upload of a message of about this size."""
    content = b"From: app@acme.test\r\n" + head + b"\r\n" + piece * (size // len(piece))
    return api.upload(content[:size] if piece == b"y" else content)


def test_the_largest_messages_fit_the_api(api: Api) -> None:
    limit = memory_of("APIHandler") * ROOM
    lines = whole(api, b"", b"y\n", LARGEST // 2)  # twice as large when each line end is CRLF
    file = api.upload(b"x" * (LARGEST * 57 // 78 - 10_000))
    utf8 = b"Content-Type: text/plain; charset=utf-8\r\n"
    emoji = whole(api, utf8, "\U0001f600".encode() + b"y" * 74 + b"\r\n", LARGEST - 1_000)
    raw = {"from": GOOD["from"], "to": GOOD["to"]}
    sent = []
    for value in (
        raw | {"raw_upload": whole(api, b"", b"y", LARGEST)},
        raw | {"raw_upload": lines},
        raw | {"raw_upload": emoji},
        GOOD | {"attachments": [{"filename": "a", "upload": file}]},
    ):
        status, accepted, peak = api.ask("/v2/emails", value)
        assert status == 202, accepted
        assert peak < limit
        sent.append(accepted["id"])
    for number in sent:
        for expansions in (True, ["plain_body"], ["attachments"], ["headers"]):
            asked = {"id": number, "_expansions": expansions}
            status, _, peak = api.ask("/v1/messages/message", asked)
            assert status == 200
            assert peak < limit


def unknown(number: int) -> dict[str, int]:
    return {f"x{n}": 1 for n in range(number)}


def test_the_most_hostile_requests_fit_the_api(api: Api) -> None:
    limit = memory_of("APIHandler") * ROOM
    lists, objects = "[" + "[]," * 1_900_000 + "1]", "[" + '{"":0},' * 820_000 + "1]"
    file = {"name": "a", "data": "QQ=="}
    wrong = {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}
    for path, value, wanted in (
        ("/v2/emails", GOOD | unknown(400_000), 422),
        ("/v2/emails/batch", [GOOD | unknown(5_000)] * 80, 200),
        ("/v2/emails/batch", [GOOD | {"attachments": [wrong] * 400}] * 80, 200),
        ("/v2/emails", objects, 422),
        ("/v2/emails", GOOD | {"text": "\U0001f600" * 470_000}, 202),
        ("/v1/send/message", lists, 200),
        ("/v1/send/message", GOOD_V1 | {"attachments": [file] * 150_000}, 200),
        ("/v1/send/message", GOOD_V1 | {"to": [f"{n}@a.test" for n in range(300_000)]}, 200),
        (
            "/v1/send/message",
            GOOD_V1
            | {"attachments": [file | {"data": base64.b64encode(b"x" * 4_000_000).decode()}]},
            200,
        ),
    ):
        status, _, peak = api.ask(path, value)
        assert status == wanted
        assert peak < limit, (path, str(value)[:80])


def test_a_stranger_s_request_costs_the_api_its_own_size(api: Api) -> None:
    *_, before = api.ask("/v2/emails", GOOD)
    status, answer, after = api.ask(
        "/v1/send/message", "[" + "[]," * 1_900_000 + "1]", with_key=False
    )
    assert (status, answer["data"]["code"]) == (200, "AccessDenied")
    assert after - before < 32


def test_a_full_batch_of_changes_fits_the_outbox(place: Place) -> None:
    record = MessageRecord(a_message(place.server.id, 1, subject="s" * 200, tag="t" * 100))
    log = tuple(a_delivery(n, Status.SENT, output="o" * 250, details="d" * 250) for n in (1, 2, 3))
    after = lifecycle.done(record, log[0])
    images = {
        "OldImage": message_item(record, 0),
        "NewImage": message_item(after, 0) | {"filler": {"S": "f" * 1_500}},
    }
    keys = {name: images["NewImage"][name] for name in ("PK", "SK")}
    changes = [
        {
            "eventName": "MODIFY",
            "dynamodb": {
                "Keys": keys,
                "SequenceNumber": f"{n:021}",
                "ApproximateCreationDateTime": 1_800_000_000,
                **images,
            },
        }
        for n in range(1_000)
    ]
    with place.function("functions.outbox.outbox") as process:
        called = process.call(stream_event(changes, "shardId-1", "arn:aws:dynamodb:x", "us-east-1"))
    assert called.answer["batchItemFailures"] == []
    assert called.peak < memory_of("Outbox") * ROOM


def test_ten_lanes_of_the_largest_deliveries_fit_the_webhooks(place: Place) -> None:
    """Bodies of 20 kB, 20 attempts each with all that is kept of one, and receivers that answer at length."""
    application = ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{application.server_port}/"
    made = [
        bootstrap.run(place.program[Webhooks].create(place.server, {"url": url}))[0]
        for _ in range(10)
    ]
    said = "".join(chr(0x1F300 + n % 700) for n in range(LONGEST_RESPONSE))
    kept = tuple(Header(f"x-{n}", "v" * 500) for n in range(8))
    attempt = WebhookAttempt(1.0, 500, response=said, request_headers=kept, response_headers=kept)
    for webhook in made:
        deliveries = [
            replace(
                a_webhook_delivery(place.server.id, number, webhook=webhook.id, url=url),
                payload=secrets.token_hex(LONGEST_BODY // 2).encode(),
                attempts=(attempt,) * MOST_ATTEMPTS_KEPT,
                version=1,  # a first attempt would be told of by the lane's wake-up alone
                created_at=place.program[Clock].now(),
                next_attempt_at=1.0,
            )
            for number in range(20)
        ]
        bootstrap.run(place.program[WebhookDeliveries].add(deliveries))
    jobs = [
        {"MessageId": str(n), "ReceiptHandle": "r", "Body": render_lane_job(LaneJob(one.server_id, one.id))}
        for n, one in enumerate(made)
    ]  # fmt: skip
    with place.function("functions.webhooks.webhooks", PRIVATE) as process:
        called = process.call(sqs_event(jobs, "arn:aws:sqs:us-east-1:0:webhooks", "us-east-1"))
    application.shutdown()
    application.server_close()
    assert called.answer["batchItemFailures"] == []
    assert len(Talkative.asked) > 100
    assert called.peak < memory_of("Webhooks") * ROOM


class Talkative(BaseHTTPRequestHandler):
    """An application that says more than anybody reads."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        Talkative.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        with suppress(OSError):
            for _ in range(64):
                self.wfile.write(b"x" * 65_536)

    def log_message(self, *_: object) -> None:
        pass


def test_a_full_batch_of_letters_fits_the_dead_letters(place: Place) -> None:
    letters = [
        {"MessageId": str(n), "ReceiptHandle": str(n), "Body": json.dumps({"v": ["x"] * 100_000})}
        for n in range(10)
    ]
    with place.function("functions.deadletters.deadletters") as process:
        called = process.call(sqs_event(letters, "arn:aws:sqs:us-east-1:0:dead", "us-east-1"))
    assert len(called.answer["batchItemFailures"]) == 10
    assert called.peak < memory_of("Deadletters") * ROOM


class Application(BaseHTTPRequestHandler):
    """What is posted to; it keeps the sizes."""

    posted: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        size = left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1_000_000)))
        self.posted.append(size)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("form", "encoding"),
    [
        (PayloadFormat.V2, PayloadEncoding.JSON),
        (PayloadFormat.HASH, PayloadEncoding.JSON),
        (PayloadFormat.HASH, PayloadEncoding.FORM),
        (PayloadFormat.RAW_MESSAGE, PayloadEncoding.JSON),
        (PayloadFormat.RAW_MESSAGE, PayloadEncoding.FORM),
    ],
)
def test_the_largest_mail_that_arrives_fits_the_function(
    place: Place, form: PayloadFormat, encoding: PayloadEncoding
) -> None:
    program, server = place.program, place.server
    Application.posted.clear()
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{application.server_port}/"
    given = {"name": "app", "url": url, "format": form, "encoding": encoding, "timeout": 60}
    endpoint, _ = bootstrap.run(program[Endpoints].create(server, EndpointType.HTTP, given))
    route = Route("r", server.id, "u", 1, "x", "acme.test", "t", 1, endpoint=endpoint.id)
    bootstrap.run(program[Repository].add(ROUTES, route))
    head = (
        b"From: x@y.test\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename=large\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    line = b"eHh4" * 19 + b"\r\n"
    content = head + line * ((LARGEST - len(head)) // len(line))
    recipient = IncomingRecipient(server.id, "x@acme.test", (route,))
    mail = IncomingMail("x@y.test", (recipient,), content)
    letters = []
    for number in range(4):
        (made,) = bootstrap.run(program[AcceptIncoming].submit(mail))
        body = render_job(DeliveryJob(made, 0))
        letters.append({"MessageId": str(number), "ReceiptHandle": str(number), "Body": body})
    private = Place(program, server, place.key, place.variables | PRIVATE, place.log)
    with private.function("functions.incoming.incoming") as process:
        called = process.call(sqs_event(letters, "arn:aws:sqs:us-east-1:0:q", "us-east-1"))
    application.shutdown()
    application.server_close()
    assert called.answer["batchItemFailures"] == []
    assert len(Application.posted) == len(letters)
    assert called.peak < memory_of("Incoming") * ROOM


def test_long_rows_and_wrong_rows_fit_the_jobs(place: Place) -> None:
    """A file of wrong rows, each told until there are enough, and one of long rows, which is exported again."""
    program, server = place.program, place.server
    owner = JobOwner(server.organization_id, server.full_name, server)
    rows = "".join(f"u{n}@example.com,{'n' * 490}\n" for n in range(2_000))
    jobs = []
    for kind, given in (
        ("import_suppressions", {"csv": "address\n" + "x\n" * 40_000}),
        ("import_suppressions", {"csv": f"address,note\n{rows}"}),
        ("export", {"what": "suppressions", "format": "ndjson"}),
    ):
        with place.function("functions.jobs.jobs") as process:
            job = bootstrap.run(program[KeepJobs].start(owner, kind, given))
            called = process.call(schedule_event("jobs", program[Clock].now(), "us-east-1"))
        assert called.peak < memory_of("Jobs") * ROOM
        jobs.append(bootstrap.run(program[KeepJobs].get(owner, job.id)))
    assert [one.status for one in jobs] == [JobStatus.DONE] * 3
    assert [(one.done, one.failed) for one in jobs] == [(0, 40_000), (2_000, 0), (2_000, 0)]


def test_many_due_messages_fit_the_sweep(place: Place) -> None:
    store, now = place.program[MessageStore], place.program[Clock].now()
    due = 250  # more than two of its pages, which it reads one after the other

    async def hold(number: int) -> None:
        message = a_message(place.server.id, number, subject="s" * 200, received_at=now)
        await store.create([message])
        record = await store.get(place.server.id, message.id)
        delivery = a_delivery(number, Status.HELD, output="o" * 250, details="d" * 250)
        assert await store.replace(record, lifecycle.held(record, delivery, int(now) - 60))

    async def hold_all() -> None:
        await asyncio.gather(*(hold(number) for number in range(1, due + 1)))

    bootstrap.run(hold_all())
    with place.function("functions.sweep.sweep") as process:
        called = process.call(schedule_event("sweep", now, "us-east-1"))
    ended = bootstrap.run(store.get(place.server.id, MessageId(due)))
    assert (ended.state, ended.status) == (State.DONE, Status.HOLD_CANCELLED)
    assert called.peak < memory_of("Sweep") * ROOM


def test_a_flood_of_hits_fits_the_tracking(place: Place) -> None:
    number, now = MessageId(7), place.program[Clock].now()
    until = int(now) + 86_400
    links = [f"https://acme.test/{n}{'x' * 1_900}" for n in range(30)]  # 64 KiB are the most
    keep = place.program[Engagement]
    bootstrap.run(keep.keep_links(place.server.id, number, links, until))

    async def follow() -> None:
        for at in range(20):
            hits = [
                EngagementEvent(EngagementKind.CLICK, now + at, "2001:db8::7", "u" * 500, url)
                for url in links
            ]
            await asyncio.gather(
                *(keep.record(place.server.id, number, hit, until) for hit in hits)
            )

    bootstrap.run(follow())
    key = bootstrap.run(mac_key_of(place.program))
    mail = TrackedMail(place.program, place.server, number, key)

    def visit(path: str, body: bytes = b"") -> Any:
        return event_of(Request("POST", path, {}, body), now)

    with place.function("functions.tracking.tracking") as process:
        process.call(visit(mail.link(1), b"x" * (EVENT_OCTETS * 3 // 4 - 10_000)))
        called = [process.call(visit(mail.link(30))) for _ in range(40)][-1]
    assert called.answer["statusCode"] == 307
    assert called.peak < memory_of("Tracking") * ROOM
