"""Each function's role allows what its handler calls on AWS, and nothing that nobody calls without a reason.

The handlers run in this process against the emulated AWS, through everything that they do: each route of both APIs,
each way an attempt ends, due retries and expired holds, dead letters of every kind.
"""

from __future__ import annotations

import hmac
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from secrets import token_hex
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
import pytest

from bench.changes import Changes
from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.api.v1.routes import ACTIONS
from chalicelib.api.v2 import key_set, routes
from chalicelib.api.v2.route import PREFIX
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.delivery_job import render_job
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.durations import DAY
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.ids import return_path_local
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation
from chalicelib.domain.periods import Period
from chalicelib.domain.rates import DNS
from chalicelib.domain.statistics import Addition, Count, slot_of
from chalicelib.domain.suppression import NEVER, Reason, Suppression
from chalicelib.domain.tenancy.brought import SERVER_TOKENS, ServerToken
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS, CheckFinding, CheckStatus
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint, EndpointType
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.domain.unsubscribe_token import unsubscribe_token
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.ports.job_bell import JobBell
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.events.hand_on_later import HandOnLater
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.queue.dead_letters import DeadLetters
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.suppress import SuppressRecipients
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.rate_fields import RatesOfStreams
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from chalicelib.services.tenancy.view_links import View, ViewLinks
from chalicelib.services.tracking.domains import TrackDomains
from chalicelib.services.tracking.engagement_limit import UNASKED
from chalicelib.services.webhooks.fan_out import FanOut
from chalicelib.services.webhooks.webhooks import Webhooks
from functions.deadletters import deadletters
from functions.deliver import deliver
from functions.incoming import incoming
from functions.index import index as tidy_index
from functions.jobs import jobs, jobs_woken
from functions.sweep import sweep
from functions.tracking import tracking
from functions.upkeep import upkeep
from functions.view import view
from functions.webhooks import webhooks, webhooks_slow
from infra.local.exchange import Request
from infra.local.function_url import event_of
from infra.local.invocation import Context, schedule_event, sqs_event
from infra.templates import for_pools, load
from tests.deploy.policies import Granted, Pair, Recorder, granted, parameters_for
from tests.dns_zone import DnsZone
from tests.fakes import a_message, an_operation
from tests.findables import findable
from tests.http_api import ApiWorld
from tests.listed import list_new
from tests.managed_routes import managed
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.tenants import make_tenant
from tests.tracking_scene import TrackedMail, mac_key_of
from tests.webhook_events import a_delivery as a_webhook_delivery
from tests.webhook_events import an_event

pytestmark = [pytest.mark.aws, pytest.mark.slow]

OPTIONS = ServerOptions(retry_schedule="1s,2h*5", send_limit=1000)
LAMBDA = "Lambda itself does it in the function's name"
# Folders of the bucket whose objects a role may name.
OBJECTS = ("r", "u", "x", "lake", "lake/terms", "lake/rows", "lake/forgotten")
WITHOUT_A_CALL = {
    "logs:CreateLogStream": LAMBDA,
    "logs:PutLogEvents": LAMBDA,
    "sqs:ReceiveMessage": LAMBDA,
    "sqs:DeleteMessage": LAMBDA,
    "sqs:GetQueueAttributes": LAMBDA,
    "dynamodb:DescribeStream": LAMBDA,
    "dynamodb:GetRecords": LAMBDA,
    "dynamodb:GetShardIterator": LAMBDA,
    "dynamodb:ListStreams": LAMBDA,
    "s3:ListBucket": "without it S3 says Forbidden, not NoSuchKey, of an object that is gone",
}
FILE = "the pre-signed file is checked against the rights of the role that signed it"
UPLOAD = "the pre-signed upload is checked against the rights of the role that signed it"


@dataclass
class World:
    """A tenant on the emulated AWS, its handlers in this process, and a record of what they call."""

    program: Posthorn
    zone: DnsZone
    peer: SmtpPeer
    server: Server
    key: str
    clock: Path
    recorder: Recorder

    @property
    def settings(self) -> Settings:
        return self.program.settings

    def during(self, work: Callable[[], Any]) -> set[Pair]:
        """What a process that starts with this work calls: nothing is cached yet."""
        self.recorder.pairs = set()
        self.recorder.written.clear()
        self.recorder.contexts.clear()
        bootstrap.use(bootstrap.on_aws(self.settings))
        work()
        return self.recorder.pairs

    def queue(self, name: str) -> tuple[Any, str]:
        sqs = botocore.session.Session().create_client("sqs")
        url = sqs.get_queue_url(QueueName=f"{self.settings.queue_prefix}{name}")["QueueUrl"]
        return sqs, url

    def work(self, handler: Any, name: str = "deliver-default") -> list[str]:
        """Hand everything in the queue to the handler; the bodies that it hands back."""
        sqs, url = self.queue(name)
        taken: list[Any] = []
        while got := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=2
        ).get("Messages"):
            taken += got
        assert taken, f"nothing waits in {name}"
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        left = handler(sqs_event(taken, arn, "us-east-1"), Context(name))["batchItemFailures"]
        kept = {one["itemIdentifier"] for one in left}
        return [each["Body"] for each in taken if each["MessageId"] in kept]

    def put(self, body: str, name: str = "deliver-default") -> None:
        sqs, url = self.queue(name)
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def submit(self, to: str, dsn: DsnParameters | None = None) -> DeliveryJob:
        """Accept a message; its wake-up, which also waits in the queue."""
        from chalicelib.services.outgoing.submission import Recipient, Submission

        principal = bootstrap.run(
            self.program[Authenticate].by_key(self.key, frozenset({CredentialKind.API}))
        )
        content = b"From: app@acme.test\r\nSubject: x\r\n\r\nbody\r\n"
        submission = Submission(principal, "app@acme.test", (Recipient(to, dsn),), content)
        (accepted,) = bootstrap.run(self.program[AcceptMail].submit(submission))
        record = bootstrap.run(
            self.program[MessageStore].get(self.server.id, MessageId(accepted.id))
        )
        return DeliveryJob(record.message, record.attempt)

    def limit(self, most: int) -> None:
        """Have the server send no more messages in an hour."""
        changed = replace(ServerOptions.of(self.server), send_limit=most)
        bootstrap.run(self.program[Servers].update(self.server, changed))

    def too_much_comes_back(self) -> None:
        """Of a server whose new mail is held for that."""
        changed = replace(ServerOptions.of(self.server), send_limit=1_000, bounce_rate_limit=5)
        bootstrap.run(self.program[Servers].update(self.server, changed))
        given = {"bounce_rate_limit": 5, "rate_limit_count": 1}
        streams = self.program[RatesOfStreams]
        self.server = bootstrap.run(streams.change(self.server, "broadcast", given))
        slot = slot_of(self.server.id, Period.HOUR, self.program[Clock].now())
        added = [Addition("1", {Count.REFUSED_MESSAGES: 1_000})]
        bootstrap.run(self.program[Statistics].add("test", slot, added))

    def uploaded(self, item: DeliveryJob) -> DeliveryJob:
        """Another message like this one, which was uploaded and whose record is missing."""
        blob = replace(item.message.blob, key=f"u/{self.server.id}/{'0' * 32}")
        s3 = botocore.session.Session().create_client("s3")
        s3.put_object(Bucket=self.settings.bucket, Key=blob.key, Body=b"x" * blob.length)
        message = replace(item.message, id=MessageId(999_999_999), blob=blob)
        return replace(item, message=message)

    def settled(self) -> DeliveryJob:
        """The wake-up that carries an outcome which the store did not take."""
        item, now = self.submit("f@example.com"), int(self.program[Clock].now())
        claimed = bootstrap.run(self.program[MessageStore].claim(item, "me", now, now + 300))
        assert isinstance(claimed, MessageRecord)
        after = lifecycle.held(claimed, Delivery(1, Status.HELD, "Held.", now), now + 300)
        return DeliveryJob(
            item.message, claimed.attempt, outcome=lifecycle.pending_outcome(claimed, after)
        )

    def record(self, item: DeliveryJob) -> Any:
        return bootstrap.run(self.program[MessageStore].get(self.server.id, item.message.id))

    def move_clock(self, seconds: float) -> None:
        self.clock.write_text(str(seconds))


@pytest.fixture
def world(
    aws_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    recorder, clock = Recorder(), tmp_path / "clock"
    make = botocore.session.get_session

    def recorded() -> Any:
        session = make()
        recorder.attach(session)
        return session

    monkeypatch.setattr(botocore.session, "get_session", recorded)
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        settings = replace(
            aws_settings,
            dns_server=zone.server,
            delivery_port=peer.port,
            allow_private_delivery=True,
            allow_private_destinations=True,
            clock_file=str(clock),
        )
        program = bootstrap.on_aws(settings)
        server, key = bootstrap.run(make_tenant(program, CredentialKind.API, OPTIONS))
        yield World(program, zone, peer, server, key, clock, recorder)
        bootstrap.use(None)


def check(
    world: World,
    role: str,
    called: set[Pair],
    reasons: dict[str, str],
    file: str = "functions.merge.yaml",
) -> None:
    """Assert that the role allows what was called, and that what it allows was called or has a reason."""
    template = load(file)
    prefix = world.settings.queue_prefix.removesuffix("-")
    allowed = granted(template, role, parameters_for(world.settings, prefix))
    assert called, "nothing was recorded"
    refused = sorted(pair for pair in called if not allowed.allows(*pair))
    unused = sorted(
        pair
        for pair in allowed.pairs
        if pair[0] not in reasons
        and not any(Granted(frozenset({pair})).allows(*one) for one in called)
    )
    assert (refused, unused) == ([], []), f"{role}: refused {refused}, never used {unused}"
    written, contexts = world.recorder.written, world.recorder.contexts
    assert [one for one in sorted(written) if not allowed.allows_partition(*one)] == []
    for (action, _), context in allowed.contexts.items():
        asked = {(action, name, value) for name, value in context.items()}
        assert asked == {one for one in contexts if one[0] == action}


@pytest.mark.parametrize(
    ("role", "file"),
    [
        ("ApiRole", "functions.merge.yaml"),
        ("DeliverDefaultRole", "functions.merge.yaml"),
        ("TrackingRole", "functions.merge.yaml"),
        ("ViewRole", "functions.merge.yaml"),
        ("GatewayRole", "gateway.yaml"),
    ],
)
def test_who_opens_secrets_opens_those_of_posthorn_alone(role: str, file: str) -> None:
    known = parameters_for(Settings(), "posthorn")
    allowed = granted(load(file), role, known)
    asked = {("kms:Decrypt", known["KeyArn"]), ("kms:GenerateDataKey", known["KeyArn"])}
    assert allowed.contexts.keys() <= asked
    assert all(context == {"purpose": "posthorn"} for context in allowed.contexts.values())
    assert allowed.contexts
    text = json.dumps(load(file))
    assert text.count('"kms:Decrypt"') == text.count('"kms:EncryptionContext:purpose": "posthorn"')


def test_the_gateway_makes_no_key_and_no_organization() -> None:
    known = parameters_for(Settings(), "posthorn")
    allowed = granted(load("gateway.yaml"), "GatewayRole", known)
    table = known["ControlTableArn"]
    writes = {action for action, resource in allowed.pairs if resource == table}
    assert writes == {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    assert allowed.allows_partition("dynamodb:UpdateItem", table, "V#17")
    for partition in ("K#abc", "NETWORKS", "ORGANIZATIONS", "INSTALLATION", "O#1", "SEQ", "POOLS"):
        assert not allowed.allows_partition("dynamodb:UpdateItem", table, partition)


def test_the_api(world: World) -> None:
    scene = SimpleNamespace(posthorn=world.program, server=world.server, api_key=world.key)
    api = ApiWorld(cast("Any", scene))
    called = world.during(lambda: every_route(api))
    check(world, "ApiRole", called, WITHOUT_A_CALL | {"s3:PutObject": UPLOAD, "s3:GetObject": FILE})


def every_route(api: ApiWorld) -> None:
    """Drive each route to its good end, and those that undo something to their bad one."""
    seen = set()

    def v1(action: str, parameters: Any) -> Any:
        seen.add(f"/api/v1/{action}")
        answer = api.v1(action, parameters)
        assert answer["status"] == "success", answer
        return answer["data"]

    def v2(name: str, path: str, value: Any = None, expected: int = 200, **headers: str) -> Any:
        seen.add(name)
        method = next(route.method for route in routes.every_route() if route.name == name)
        reply = api.v2(method, path, value, **headers)
        assert reply.status == expected, reply
        return reply

    mail = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "x", "subject": "x"}
    sent = v1("send/message", mail)["messages"]["x@example.com"]
    raw = {"mail_from": "app@acme.test", "rcpt_to": ["x@example.com"]}
    v1("send/raw", raw | {"data": "RnJvbTogYXBwQGFjbWUudGVzdA0KDQp4DQo="})
    v1("messages/message", {"id": sent["id"], "_expansions": True})
    v1("messages/deliveries", {"id": sent["id"]})
    mail2 = {"from": "app@acme.test", "to": "x@example.com", "text": "x", "subject": "x"}
    v2("sendEmail", "/emails", mail2, 202, idempotency_key="one")
    v2("sendEmail", "/emails", mail2 | {"from": "no@other.test"}, 403, idempotency_key="two")
    v2("sendBatch", "/emails/batch", [mail2], 200)
    for query in ("", "?to=x@example.com", "?status=held", f"?request={sent['id']}"):
        v2("listEmails", f"/emails{query}")
    v2("showEmail", f"/emails/{sent['id']}")
    v2("sendTest", "/emails/test", expected=403)
    unsubscribe(api, MessageId(sent["id"]))
    v2("showRawEmail", f"/emails/{sent['id']}/raw", accept="message/rfc822")
    v2("listDeliveries", f"/emails/{sent['id']}/deliveries")
    v2("showConversation", f"/emails/{sent['id']}/deliveries/1/conversation", expected=404)
    content = b"From: app@acme.test\r\n\r\n" + b"uploaded\r\n" * 500_000
    ticket = v2("makeUpload", "/uploads", {"size": len(content)}, 201).json
    request = urllib.request.Request(  # noqa: S310  # the emulator on loopback
        ticket["url"], content, {**ticket["headers"], "Content-Type": ""}, method=ticket["method"]
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as done:  # noqa: S310
        assert done.status == 200
    whole = {"from": "app@acme.test", "to": "x@example.com", "raw_upload": ticket["id"]}
    large = v2("sendEmail", "/emails", whole, 202).json
    v2("showRawEmail", f"/emails/{large['id']}/raw", expected=303)
    v2("showStatistics", "/statistics")
    v2("showOverview", "/overview")
    v2("listCauses", "/statistics/causes")
    v2("showOpenApi", "/openapi.json")
    seen.add("showKeySet")
    assert api.call("GET", key_set.PATH).status == 200
    played = {(f"{PREFIX}{path}", method.upper()) for path, method, _ in managed(api)}
    every = routes.every_route()
    seen |= {route.name for route in every if (route.path, route.method) in played}
    assert seen == set(ACTIONS) | {route.name for route in every}


def unsubscribe(api: ApiWorld, message: MessageId) -> None:
    """Follow the link in a message, and act."""
    program, server = api.scene.posthorn, api.scene.server.id
    until = int(program[Clock].now()) + 60
    link = UnsubscribeLink(server, message, "x@example.com", "news", until)
    bootstrap.run(program[UnsubscribeLinks].keep(link))
    token = unsubscribe_token(server, message, bootstrap.run(program[AddressMac].key()))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert api.call("GET", f"/u/{token}").status == 200
    assert api.call("POST", f"/u/{token}", b"List-Unsubscribe=One-Click", form).status == 200


def test_delivery(world: World) -> None:
    def attempts() -> None:
        # Accepted, refused, put off for a second and put off for hours.
        for to in ("a@example.com", "b@example.com", "c@example.com", "d@example.com"):
            world.submit(to)
        world.peer.on("RCPT", say_by_recipient)
        world.submit("b@example.com", DsnParameters("FAILURE"))
        assert world.work(deliver) == []
        # One to a recipient who is listed no more once the message is released.
        listed = Suppression("a@example.com", "too many hard fails", 1, NEVER)
        bootstrap.run(list_new(world.program[SuppressionList], world.server.id, [listed]))
        held = world.submit("a@example.com").message
        assert world.work(deliver) == []
        bootstrap.run(world.program[MessageActions].release(held.server_id, held.id))
        assert world.work(deliver) == []
        # A wake-up that a worker has already; one whose record is missing; one that nobody can read.
        item = world.submit("a@example.com")
        owner, now = "another", int(world.program[Clock].now())
        bootstrap.run(world.program[MessageStore].claim(item, owner, now, now + 300))
        world.put(render_job(world.uploaded(item)))
        world.put(render_job(world.settled()))
        world.put("not a wake-up")
        assert "not a wake-up" in world.work(deliver)
        # Above a limit, of which members are told.
        world.limit(1)
        world.submit("a@example.com")
        world.work(deliver)
        world.too_much_comes_back()
        too_many = world.submit("a@example.com")
        world.work(deliver)
        wait = wait_of(world.record(too_many))
        assert wait is not None
        assert wait.code is WaitCode.BOUNCE_RATE

    def say_by_recipient(line: bytes) -> Any:
        if b"<b@" in line:
            return "550 5.1.1 no such user"
        return "451 4.3.0 not now" if b"<c@" in line or b"<d@" in line else None

    called = without_the_scenery(world, attempts)
    check(world, "DeliverDefaultRole", called, WITHOUT_A_CALL)


class WantsNoMore(BaseHTTPRequestHandler):
    """An application that was closed down."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(410)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_mail_that_arrived(world: World) -> None:
    """Taken, bounced, posted, put off by an endpoint, reported on; a wake-up in other hands, one without a record."""
    program, server = world.program, world.server
    application = HTTPServer(("127.0.0.1", 0), WantsNoMore)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{application.server_port}/"
    given = {"name": "application", "url": url}
    posted, _ = bootstrap.run(program[Endpoints].create(server, EndpointType.HTTP, given))

    def add(name: str, **changes: Any) -> Route:
        identity = "6f7a1f0e-1111-4222-8333-444455556666"
        route = Route(name, server.id, identity, 1, name, "acme.test", name, 1, **changes)
        bootstrap.run(program[Repository].add(ROUTES, route))
        return route

    endpoint = Endpoint(
        "e1",
        server.id,
        "6f7a1f0e-1111-4222-8333-444455556666",
        EndpointType.SMTP,
        "peer",
        1,
        hostname="mx.example.com",
        port=world.peer.port,
    )
    bootstrap.run(program[Repository].add(ENDPOINTS, endpoint))
    routes = [
        add("accept", mode=RouteMode.ACCEPT),
        add("bounce", mode=RouteMode.BOUNCE),
        add("pass", endpoint=endpoint.id),
        add("later", endpoint=endpoint.id),
    ]
    to_application = add("post", endpoint=posted.id)
    large = (
        b"From: x@y.test\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename=large\r\n\r\n" + b"x" * 1_200_000
    )

    def arrive(route: Route) -> Message:
        return received(IncomingRecipient(server.id, f"{route.name}@acme.test", (route,)))

    def received(
        recipient: IncomingRecipient, content: bytes = b"From: x@y.test\r\n\r\nx"
    ) -> Message:
        mail = IncomingMail("x@example.com", (recipient,), content)
        (made,) = bootstrap.run(world.program[AcceptIncoming].submit(mail))
        return made

    def report(sent: DeliveryJob) -> None:
        key = bootstrap.run(world.program[AddressMac].key())
        address = f"{return_path_local(sent.message.token, key)}@rp.test"
        lines = (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
            *("", "--x", "Content-Type: message/delivery-status", ""),
            *("Reporting-MTA: dns; y.test", "", "Final-Recipient: rfc822; a@example.com"),
            *("Action: failed", "Status: 5.1.1", "", "--x--", ""),
        )
        content = "\r\n".join(lines).encode()
        received(IncomingRecipient(server.id, address, asks=False, bounce=True), content)

    def attempts() -> None:
        for route in routes:
            arrive(route)
        received(IncomingRecipient(server.id, "post@acme.test", (to_application,)), large)
        report(world.submit("a@example.com"))
        world.peer.on("RCPT", lambda line: "451 4.3.0 not now" if b"<later@" in line else None)
        assert world.work(incoming, "incoming") == []
        held = DeliveryJob(arrive(routes[0]), 0)
        now = int(world.program[Clock].now())
        bootstrap.run(world.program[MessageStore].claim(held, "another", now, now + 300))
        message = arrive(routes[0])
        gone = replace(message, id=MessageId(message.id + 1_000), token="0" * 16)
        world.put(render_job(DeliveryJob(gone, 0)), "incoming")
        world.put("not a wake-up", "incoming")
        assert "not a wake-up" in world.work(incoming, "incoming")

    called = without_the_scenery(world, attempts)
    application.shutdown()
    application.server_close()
    assert not bootstrap.run(program[Endpoints].get(server, posted.id)).enabled
    looked_for = {"dynamodb:Query": "a message that a report is about is looked for"}
    check(world, "IncomingRole", called, WITHOUT_A_CALL | looked_for)


def without_the_scenery(world: World, work: Callable[[], None]) -> set[Pair]:
    """What the handlers call; the test's own calls go through a program made before, which is not recorded."""
    world.program = bootstrap.on_aws(world.settings)
    quiet = world.recorder.pairs
    session = world.program[AwsSession]
    for service in ("dynamodb", "s3", "sqs", "kms"):
        client = session.client(service)
        client.meta.events.unregister("before-parameter-build", world.recorder._note)
    assert quiet is world.recorder.pairs
    return world.during(work)


def test_the_sweep(world: World) -> None:
    world.peer.on("RCPT", "451 4.3.0 not now")
    item = world.submit("a@example.com")
    held = world.submit("b@example.com")
    bootstrap.run(world.program[DeadLetters].hold(held))
    bootstrap.use(bootstrap.on_aws(world.settings))
    world.work(deliver)
    world.move_clock(60)
    world.work(deliver)  # the second attempt, which waits for two hours
    assert world.record(item).state is State.WAITING
    assert world.record(held).state is State.HELD
    world.limit(1)
    limited = world.submit("c@example.com")
    world.work(deliver)
    assert world.record(limited).limit_hold is not None
    world.too_much_comes_back()
    bootstrap.use(bootstrap.on_aws(world.settings))
    too_many = world.submit("d@example.com")
    world.work(deliver)
    assert world.record(too_many).limit_hold is not None
    accepting = Route("r", world.server.id, "u", 1, "x", "acme.test", "t", 1, RouteMode.ACCEPT)
    recipient = IncomingRecipient(world.server.id, "x@acme.test", (accepting,))
    mail = IncomingMail("", (recipient,), b"\r\n")
    (arrived,) = bootstrap.run(world.program[AcceptIncoming].submit(mail))
    before = world.record(DeliveryJob(arrived, 0))
    later = replace(before, wake_at=int(world.program[Clock].now()) + 7_200, by_sweeper=True)
    assert bootstrap.run(world.program[MessageStore].replace(before, later))

    lanes = world.program[WebhookLanes]
    job = LaneJob(world.server.id, "whabcdefghij")
    bootstrap.run(lanes.wake([job], world.program[Clock].now() + 7_200))

    # An address without a reverse name, and what was found of a source that is gone.
    bad = EgressSource("bad", address="192.0.2.7", address6="2001:db8::7", unused6="It was so.")
    gone = CheckFinding("source:default/gone", CheckStatus.OK, "", 0, 0)
    bootstrap.run(world.program[Repository].add(SOURCES, bad))
    bootstrap.run(world.program[Repository].add(CHECK_FINDINGS, gone))

    def minutes() -> None:
        world.move_clock(3 * 3_600)
        sweep(schedule_event("sweep", 0.0, "us-east-1"), Context("sweep", 60.0))
        world.move_clock(9 * 86_400)
        sweep(schedule_event("sweep", 0.0, "us-east-1"), Context("sweep", 60.0))

    check(world, "SweepRole", without_the_scenery(world, minutes), WITHOUT_A_CALL)
    assert world.record(held).status is Status.HOLD_CANCELLED
    assert world.record(limited).counted
    assert world.record(too_many).limit_hold is None


def test_webhooks(world: World) -> None:
    """Posted, put off, put off for hours, given up; a lane that another holds; a slow one; one that nobody can read."""
    server = world.server
    told = {"system_server": server.full_name, "system_from": "app@acme.test"}
    settings = replace(world.settings, postmaster="ops@example.com", **told)
    world.program = program = bootstrap.on_aws(settings)
    answers = iter([200, 500, 410])

    class Application(WantsNoMore):
        def send_response(self, code: int, message: str | None = None) -> None:
            super().send_response(next(answers, 410), message)

    application = HTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    url = f"http://joe:x@127.0.0.1:{application.server_port}/"
    made, _ = bootstrap.run(program[Webhooks].create(server, {"url": url}))
    held, slow = (
        bootstrap.run(program[Webhooks].create(server, {"url": url, "events": []}))[0]
        for _ in range(2)
    )
    lanes, now = program[WebhookLanes], program[Clock].now()

    async def prepare() -> None:
        for _ in range(2):
            await lanes.claim(server.id, held.id, "another", now, now + 300)
        lane = await lanes.claim(server.id, slow.id, "another", now, now + 300)
        await lanes.let_go(lane.after_failure(now, was_slow=True), None)
        await lanes.wake([LaneJob(server.id, one.id) for one in (held, slow)])

    def turns() -> None:
        bootstrap.run(prepare())
        world.put("not a wake-up", "webhooks")
        for number in (1, 2, 3):
            event = an_event(server.id, number)
            bootstrap.run(program[FanOut].take(server.id, [event]))
            left = world.work(webhooks, "webhooks")
            assert left in ([], ["not a wake-up"])
        world.work(webhooks_slow, "webhooks-slow")

    called = without_the_scenery(world, turns)
    application.shutdown()
    application.server_close()
    assert not bootstrap.run(program[Webhooks].get(server, made.id)).enabled
    meanwhile = {"dynamodb:GetItem": "a delivery that somebody changed meanwhile is read again"}
    check(world, "WebhooksRole", called, WITHOUT_A_CALL | meanwhile)


def test_jobs(world: World) -> None:
    server = world.server
    owner = JobOwner(server.organization_id, server.full_name, server)

    def minute() -> None:
        text, upload = "address,reason\na@x.example,bounce\nb@x.example,bounce\n", "0" * 32
        now = world.program[Clock].now()
        bootstrap.run(world.program[BlobStore].bring(server.id, upload, text.encode(), now))
        for given in ({"csv": text}, {"upload": upload}):
            bootstrap.run(world.program[KeepJobs].start(owner, "import_suppressions", given))
        # An entry of an older release has no place by time.
        bootstrap.run(world.program[AwsSession].call("dynamodb", "put_item", **older_entry(world)))
        bootstrap.run(world.program[KeepJobs].start(owner, "export", {"what": "suppressions"}))
        webhook, _ = bootstrap.run(
            world.program[Webhooks].create(server, {"url": "https://hooks.example/"})
        )
        sent = replace(a_webhook_delivery(server.id, 1, webhook=webhook.id), created_at=now - 60)
        bootstrap.run(world.program[WebhookDeliveries].add([sent]))
        bootstrap.run(world.program[KeepJobs].start(owner, "replay_webhooks", {}))
        burst = [an_event(server.id, number).occurrence for number in (2, 3)]
        bootstrap.run(world.program[HandOnLater].keep(server.id, burst))

    minute()
    jobs_on_messages(world, owner)
    bootstrap.use(bootstrap.on_aws(world.settings))
    called = set(world.during(woken_and_one_minute_of_jobs))
    called |= without_the_scenery(world, lambda: erased(world, owner))
    check(world, "JobsRole", called, WITHOUT_A_CALL)
    done = bootstrap.run(world.program[KeepJobs].page(owner, 30, None)).values
    assert {job.status for job in done} == {JobStatus.DONE}
    assert {job.failed for job in done if job.parameters.startswith('{"ids"')} == {0}


def jobs_on_messages(world: World, owner: JobOwner) -> None:
    """Each verb, on a message that it is allowed for."""
    server, program = world.server, world.program
    actions, start = program[MessageActions], program[KeepJobs].start
    made = [world.submit(f"u{one}@example.com").message for one in range(5)]
    for message in made[1:4]:
        bootstrap.run(actions.hold(server.id, message.id))
    bootstrap.run(actions.bounce(server.id, made[4].id))
    bootstrap.run(program[SuppressRecipients].add(server, made[1].rcpt_to, Reason.MANUAL))
    accepting = Route("r", server.id, "u", 1, "x", "acme.test", "t", 1, RouteMode.ACCEPT)
    bootstrap.run(program[Repository].add(ROUTES, accepting))
    recipient = IncomingRecipient(server.id, "x@acme.test", (accepting,))
    mail = IncomingMail("far@example.com", (recipient,), b"From: far@example.com\r\n\r\nx")
    arrived = [bootstrap.run(program[AcceptIncoming].submit(mail))[0] for _ in range(2)]
    for verb, message in zip(
        ("hold", "release", "cancel", "retry", "resend", "replay", "bounce"),
        (*made, *arrived),
        strict=True,
    ):
        given = {"ids": [message.id], **({"allow": True} if verb == "release" else {})}
        bootstrap.run(start(owner, verb, given))
    bootstrap.run(program[MailIndex].put([findable(server=server.id)]))
    # The oldest are not among the newest, which are looked at live.
    old = "order:oldest-first"
    searches: list[dict[str, str]] = [{"q": f"tag:old {old}"}, {"q": f"size:1 {old}"}]
    for wanted in (*searches, {"status": "failed"}, {"to": "nobody@example.com"}):
        bootstrap.run(start(owner, "hold", {"filter": wanted}))


def erased(world: World, owner: JobOwner) -> None:
    """An address that stands in whatever may hold one, and in a message that waits."""
    program, server, address = world.program, world.server.id, "zoe@x.example"
    now = program[Clock].now()
    bootstrap.run(old_mail(world, address))
    waiting = world.submit(address).message
    url = bootstrap.run(program[SqsWorkQueue].url_of_dead())
    for message in (waiting, replace(waiting, rcpt_to="other@x.example")):
        letter = {"QueueUrl": url, "MessageBody": render_job(DeliveryJob(message, 9))}
        bootstrap.run(program[AwsSession].call("sqs", "send_message", **letter))
    bootstrap.run(program[BlobStore].bring(server, "1" * 32, address.encode(), now))
    bootstrap.run(program[BlobStore].keep(server, "2" * 32, address.encode(), now))
    listed = Suppression(address, Reason.UNSUBSCRIBE.text, now, int(now) + 60_000)
    bootstrap.run(list_new(program[SuppressionList], server, [listed]))
    link = UnsubscribeLink(server, MessageId(1), address, "news", int(now) + 60_000)
    bootstrap.run(program[UnsubscribeLinks].keep(link))
    gone = replace(a_webhook_delivery(server, 2, webhook="w"), payload=address.encode())
    bootstrap.run(program[WebhookDeliveries].add([gone]))
    bootstrap.run(program[KeepJobs].start(owner, "erase", {"address": address}))
    woken_and_one_minute_of_jobs()
    world.move_clock(1_500)
    woken_and_one_minute_of_jobs()


def older_entry(world: World) -> dict[str, Any]:
    entry = {"PK": f"S#{world.server.id}#SUP", "SK": "old@x.example", "r": "old@x.example"}
    item: dict[str, Any] = {name: {"S": one} for name, one in (entry | {"d": "bounced"}).items()}
    times = {name: {"N": "9999999999"} for name in ("t", "x")}
    return {"TableName": world.settings.mail_table, "Item": item | times}


def woken_and_one_minute_of_jobs() -> None:
    """Whoever leaves something wakes another; what is left here the last one does."""
    bootstrap.run(bootstrap.posthorn()[JobBell].ring())
    rung = {"MessageId": "1", "ReceiptHandle": "1", "Body": "{}"}
    jobs_woken(sqs_event([rung], "arn:aws:sqs:x:y:jobs", "us-east-1"), Context("w", 1.0))
    jobs(schedule_event("jobs", 0.0, "us-east-1"), Context("jobs", 90.0))


def test_the_index(world: World) -> None:
    index, found = world.program[MailIndex], findable(server=world.server.id)

    def told() -> None:
        for number in range(1, 12):
            bootstrap.run(index.put([replace(found, message=MessageId(number))]))
        bootstrap.run(index.forget(world.server.id, [MessageId(7)], words_later=True))

    def minute() -> None:
        tidy_index(schedule_event("index", 0.0, "us-east-1"), Context("index", 600.0))

    told()
    world.move_clock(86_400)
    check(world, "IndexRole", world.during(minute), WITHOUT_A_CALL)


async def old_mail(world: World, address: str = "john@example.com") -> None:
    """Contents beside each other, of which one is of a message that is held."""
    program = world.program
    at = program[Clock].now() - 40 * DAY
    refs = await program[BlobStore].put(world.server.id, [b"x", b"y"], at)
    for number, ref, state in zip((1, 2), refs, (State.DONE, State.HELD), strict=True):
        to = address if state is State.DONE else "held@example.com"
        changes: dict[str, Any] = {"blob": ref, "received_at": at, "rcpt_to": to}
        message = a_message(world.server.id, 900_000 + number, **changes)
        await program[MessageStore].create([message])
        before = MessageRecord(message)
        after = replace(before, state=state, attempt=1, held=state is State.HELD)
        assert await program[MessageStore].replace(before, after)


def test_the_upkeep(world: World) -> None:
    told = {"system_server": world.server.full_name, "system_from": "app@acme.test"}
    told |= {"own_dnsbls": "bl.test"}
    settings = replace(world.settings, postmaster="ops@example.com", **told)
    world.program = bootstrap.on_aws(settings)
    kept = world.program[BlobStore].keep(world.server.id, "0" * 32, b"exported", 0)
    bootstrap.run(kept)

    async def checked() -> None:
        domains, tracks = world.program[Domains], world.program[TrackDomains]
        domain = await domains.add(world.server, "checked.example")
        await world.program[DomainChecks].check(await domains.trust(domain))
        await tracks.add(world.server, "track", domain.name)
        for source in range(10):  # so many packs that it is worth while to fold them
            for number in "12":
                tags = [(Dimension.TAG, token_hex(40)) for _ in range(20)]
                added = [GroupAddition(number, 0, (tag,), {"sent": 1}) for tag in tags]
                await world.program[GroupCounts].add(f"{source}", world.server.id, added)

    def hour() -> None:
        upkeep(schedule_event("upkeep", 0.0, "us-east-1"), Context("upkeep", 900.0))

    bootstrap.run(checked())
    bootstrap.run(old_mail(world))
    world.move_clock(3_600)
    looked = set(world.during(hour))  # what is called until the next is added to the one
    world.uploaded(world.submit("a@example.com"))
    program, store = world.program, world.program[Repository]
    made, name = world.server.id, token_hex(16)
    bootstrap.run(program[BlobStore].keep(made, name, b"x", program[Clock].now()))
    owner = bootstrap.run(program[Organizations].get(world.server.organization_permalink))
    bootstrap.run(program[RemoveTenants].remove_organization(owner))
    # Somebody added them meanwhile.
    late = replace(world.server, id=ServerId(world.server.id + 1), permalink="late")
    bootstrap.run(store.add(SERVERS, late))
    keys = program[ManagementKeys]
    bootstrap.run(keys.keep(owner.id, "k", KeyOptions(("*",)), "x", "phm_late"))

    def hours() -> None:
        for number in range(2, 6):
            world.move_clock(number * 3_600)
            hour()

    called = looked | without_the_scenery(world, hours)
    reasons = {name: why for name, why in WITHOUT_A_CALL.items() if name != "s3:ListBucket"}
    check(world, "UpkeepRole", called, reasons)
    assert bootstrap.run(store.all(REMOVALS, ALL_REMOVALS)) == []


def test_dead_letters(world: World) -> None:
    item = world.submit("a@example.com")
    unknown = replace(item, message=replace(item.message, id=MessageId(999_999_999)))
    for body in (render_job(item), render_job(unknown), "not a wake-up"):
        world.put(body, "dead")

    def letters() -> None:
        assert world.work(deadletters, "dead") == ["not a wake-up"]

    check(world, "DeadlettersRole", without_the_scenery(world, letters), WITHOUT_A_CALL)
    assert world.record(item).state is State.HELD


def test_tracking(world: World) -> None:
    item = world.submit("a@example.com")
    message, program = item.message, world.program
    links = ["https://acme.test/"]
    bootstrap.run(program[Engagement].keep_links(world.server.id, message.id, links, 2**31))
    mail = TrackedMail(program, world.server, message.id, bootstrap.run(mac_key_of(program)))
    old = ImportedToken(world.server.id, "q0ZisBtjzBXPI8En", message.id, 2**31, link=1)
    bootstrap.run(program[ImportedTokens].keep([old]))
    named = ServerToken("ehdexf", world.server.id)
    bootstrap.run(program[Repository].add(SERVER_TOKENS, named))

    def visits() -> None:
        brought = f"/{named.token}/{old.token}"
        for path in (mail.image, mail.link(1), mail.link(2), brought, *[mail.image] * UNASKED):
            event = event_of(Request("GET", path, {}, b""), 0.0)
            tracking(event, Context("tracking", 10.0))

    done = checked_with_keys(world, "TrackingRole", visits)
    assert (world.record(item).opened_at, world.record(item).clicked_at) != (None, None)
    assert done == {"GetItem", "PutItem", "Query", "UpdateItem"}


def test_view(world: World) -> None:
    item, links = world.submit("a@example.com"), world.program[ViewLinks]
    host = "abc.lambda-url.us-east-1.on.aws"
    store, now = world.program[MessageStore], int(world.program[Clock].now())
    bootstrap.run(store.claim(world.uploaded(item), "me", now, now + 300))
    tokens = [
        bootstrap.run(
            links.token(View(host, "https://x", world.server.id, one, "us1", links.until()))
        )
        for one in (item.message.id, MessageId(999_999_999), MessageId(999_999_998))
    ]

    def visits() -> None:
        paths = ["/", *(f"/view/{one}" for one in tokens)]
        for path, status in zip(paths, (404, 200, 200, 404), strict=True):
            event = event_of(Request("GET", path, {"host": host}, b""), 0.0)
            assert view(event, Context("view", 10.0))["statusCode"] == status, path

    assert checked_with_keys(world, "ViewRole", visits) == {"GetItem"}


def checked_with_keys(world: World, role: str, work: Callable[[], None]) -> set[str]:
    """Check a role whose statements are limited to partitions, which is a condition that `check` does not look at; what
    the work does in DynamoDB."""
    touched: list[tuple[str, str, str]] = []

    def note(params: Any, model: Any, **_: Any) -> None:
        if model.service_model.service_name == "dynamodb":
            if model.name == "Query":
                partition = params["ExpressionAttributeValues"][":partition"]["S"]
            else:
                partition = (params.get("Key") or params["Item"])["PK"]["S"]
            touched.append((f"dynamodb:{model.name}", params["TableName"], partition))

    world.recorder.listeners.append(note)
    called = without_the_scenery(world, work)
    world.recorder.listeners.clear()
    check(world, role, called, WITHOUT_A_CALL)
    for action, table, key in touched:
        patterns = keys_allowed(role, action, table == world.settings.control_table)
        assert any(fnmatchcase(key, pattern) for pattern in patterns), (action, table, key)
    return {action.removeprefix("dynamodb:") for action, _, _ in touched}


def keys_allowed(role: str, action: str, in_control: bool) -> list[str]:
    """The partition keys that a role's statements for an action on a table are limited to."""
    resource = {"Ref": "ControlTableArn" if in_control else "MailTableArn"}
    (policy,) = load("functions.merge.yaml")["Resources"][role]["Properties"]["Policies"]
    found: list[str] = []
    for one in policy["PolicyDocument"]["Statement"]:
        if action in one["Action"] and one["Resource"] == resource:
            found += one["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return found


def test_the_outbox(world: World) -> None:
    item = world.submit("a@example.com")
    bootstrap.run(world.program[MessageStore].replace(*cancelled(world.record(item))))
    resent = an_operation("resend", item.message.id, attempt=0)
    again = replace(item.message, id=MessageId(999_999_998), operation=resent)
    bootstrap.run(world.program[MessageStore].create([again]))
    often_tried(world, world.submit("b@example.com"))
    changes = Changes(world.settings.mail_table)
    records = changes.take()

    bootstrap.run(world.program[Webhooks].create(world.server, {"url": "https://app.example/"}))

    def batches() -> None:
        fan_out = bootstrap.posthorn()[FanOut]
        server = world.server.id
        assert bootstrap.run(fan_out.take(server, [an_event(server, 1)])) == 1
        later = bootstrap.posthorn()[HandOnLater]
        bootstrap.run(later.keep(server, [an_event(server, 2).occurrence]))
        for _ in range(2):
            assert changes.hand_over(records, 100) == [{"batchItemFailures": [], "state": {}}]
        bootstrap.run(world.program[RemoveTenants].remove_server(world.server))
        assert changes.hand_over(records, 100) == [{"batchItemFailures": [], "state": {}}]

    check(world, "OutboxRole", without_the_scenery(world, batches), WITHOUT_A_CALL)


def often_tried(world: World, job: DeliveryJob) -> None:
    """Have more deliveries of a message than lie beside it."""
    store, record = world.program[MessageStore], world.record(job)
    for number in range(1, 6):
        failed = Delivery(number, Status.SOFT_FAIL, "Later.", float(number))
        after = lifecycle.waiting(record, failed, 2_000_000_000)
        assert bootstrap.run(store.replace(record, after))
        record = world.record(job)


def cancelled(record: MessageRecord) -> tuple[MessageRecord, MessageRecord, Operation]:
    """A record as it is, as it is when it was cancelled by hand, and that this was done."""
    after = lifecycle.done(record, Delivery(7, Status.HOLD_CANCELLED, "Cancelled.", 1.0))
    return record, after, an_operation("cancel", record.message.id)


def test_the_gateway(world: World) -> None:
    """What a session asks of the program, in each way of authenticating, and what it stores."""
    from chalicelib.ports.greylist import Greylist
    from chalicelib.services.incoming.recipients import Recipients
    from chalicelib.services.outgoing.accept import AcceptMail
    from chalicelib.services.outgoing.accept_once import AcceptOnce
    from chalicelib.services.outgoing.submission import Recipient, Submission
    from chalicelib.services.rates import Rates
    from chalicelib.services.tenancy.authenticate import Authenticate

    program = world.program
    clear, key = bootstrap.run(
        program[Credentials].create(
            world.server, CredentialKind.SMTP, "smtp", CredentialOptions(cram=True)
        )
    )
    assert clear.sealed_key is not None

    async def session() -> None:
        fresh = bootstrap.posthorn()
        digest = hmac.new(key.encode(), b"<challenge>", "md5").hexdigest()
        await fresh[Authenticate].by_cram("acme/app", b"<challenge>", digest)
        await fresh[Authenticate].by_address("192.0.2.1")
        principal = await fresh[Authenticate].by_key(key, frozenset({CredentialKind.SMTP}))
        content = b"From: app@acme.test\r\n\r\nbody\r\n"
        to = (Recipient("x@example.com"),)
        prepared = await fresh[AcceptMail].prepare(
            Submission(principal, "app@acme.test", to, content)
        )
        await fresh[AcceptMail].store([prepared])
        keyed = replace(prepared, key="once")
        for stored in (False, True):
            assert await fresh[AcceptOnce].earlier(keyed) is None
            await fresh[AcceptOnce].ended([keyed], stored=stored)
        assert await fresh[AcceptOnce].earlier(keyed) == prepared.names
        ours = fresh[Recipients]
        sent = return_path_local(prepared.names[0][1], await fresh[AddressMac].key())
        back = fresh.settings.return_path_domain
        for local in (sent, world.server.token):
            assert await ours.own(f"{local}@{back}", "")
        hosted = await ours.hosted("support@acme.test")
        assert hosted is not None
        mail = IncomingMail("x@example.com", (hosted,), content)
        assert await fresh[AcceptIncoming].submit(mail)
        await fresh[Greylist].met("key", 1.0)
        await fresh[Rates].count(DNS, "key")

    route = Route("r", world.server.id, "u", 1, "support", "acme.test", "t", 1, RouteMode.ACCEPT)
    bootstrap.run(program[Repository].add(ROUTES, route))
    called = without_the_scenery(world, lambda: bootstrap.run(session()))
    check(world, "GatewayRole", called, {}, "gateway.yaml")


def test_no_role_has_a_wildcard_but_for_objects_and_streams_of_its_own_log() -> None:
    template = for_pools(load("functions.merge.yaml"), ("default", "bulk"))
    settings = Settings()
    known = parameters_for(settings, "posthorn") | {"DeliverBulkArn": "arn:aws:sqs:x:y:bulk"}
    roles = [name for name, one in template["Resources"].items() if name.endswith("Role")]
    assert sorted(roles) == [
        "ApiRole",
        "DeadlettersRole",
        "DeliverBulkRole",
        "DeliverDefaultRole",
        "IncomingRole",
        "IndexRole",
        "JobsRole",
        "JobsWokenRole",
        "OutboxRole",
        "SweepRole",
        "TrackingRole",
        "UpkeepRole",
        "ViewRole",
        "WebhooksRole",
        "WebhooksSlowRole",
    ]
    bucket = f"arn:aws:s3:::{settings.bucket}"
    for role in roles:
        for action, resource in granted(template, role, known).pairs:
            assert "*" not in action
            if action == "sqs:ListQueues":  # names alone, and there is no narrower resource for it
                assert (role, resource) == ("ApiRole", "*")
                continue
            plain = resource.removesuffix("*")
            assert "*" not in plain
            if plain != resource:
                own_log = action.startswith("logs:") and plain.endswith(":")
                assert own_log or plain in {f"{bucket}/{one}/" for one in OBJECTS}, (role, resource)


def test_a_call_that_is_not_allowed_is_found(aws_settings: Settings) -> None:
    template = for_pools(load("functions.merge.yaml"), ("default",))
    prefix = aws_settings.queue_prefix.removesuffix("-")
    known = parameters_for(aws_settings, prefix)
    role = granted(template, "SweepRole", known)
    assert not role.allows("s3:GetObject", f"{known['BucketArn']}/r/1/x")
    assert not role.allows("dynamodb:Query", f"{known['MailTableArn']}/index/rcpt")
    assert role.allows("dynamodb:Query", f"{known['MailTableArn']}/index/due")
    assert json.dumps(sorted(role.pairs)).count("*") == 2  # the streams of its log, twice
