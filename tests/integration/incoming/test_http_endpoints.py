"""Incoming mail is posted to web applications: bodies, signatures, and what their answers mean."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.file_link import FileLink
from chalicelib.domain.incoming.checks import Facts
from chalicelib.domain.incoming.v2_payload import message_objects, read_incoming
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.model import Arrival, BlobRef, Message, MessageRecord, Origin, Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.retry_after import retry_after
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.endpoints import (
    ENDPOINTS,
    Endpoint,
    EndpointType,
    PayloadEncoding,
    PayloadFormat,
)
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.file_links import FileLinks
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.endpoint_request import AT_A_TIME
from chalicelib.services.incoming.http_endpoint import PostToEndpoint
from chalicelib.services.outgoing.attempt_end import AttemptEnd
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from chalicelib.services.tenancy.request_signatures import RequestSignatures
from tests.fakes import a_message
from tests.http_peer import HttpPeer
from tests.tenants import make_tenant
from tests.worlds import make_scene

TOKEN = "bsfhjsdfsUi2Wc9T"  # of an invented message


class Scene:
    """A program, its server, a message that came for it, and a web server that plays the application."""

    def __init__(self, program: Posthorn, server: Server, peer: HttpPeer) -> None:
        self.program = program
        self.server = server
        self.peer = peer
        self.secret = ""

    async def endpoint(self, **fields: Any) -> Endpoint:
        bare = Endpoint(
            "enabcdefghij", self.server.id, "u", EndpointType.HTTP, "app", 1, url=self.peer.url("/in"),
        )  # fmt: skip
        made, self.secret = await self.program[ReceiverSecrets].with_secret(replace(bare, **fields))
        await self.program[Repository].add(ENDPOINTS, made)
        return made

    async def deliver(self, endpoint: Endpoint, content: bytes, **message: Any) -> EndpointResult:
        (ref,) = await self.program[BlobStore].put(
            self.server.id, [content], self.program[Clock].now()
        )
        record = self.record(ref, **message)
        route = Route("rtabcdefghij", self.server.id, "u", 1, "support", "acme.test", "tok12345", 1)
        facts = Facts(
            server=self.server, route=route, endpoint=endpoint, max_attempts=18, manual=False
        )
        attempt = IncomingAttempt(record, facts, 1, None)  # type: ignore[arg-type]  # the body is read
        attempt.stored = attempt.content = content
        return await self.program[PostToEndpoint].deliver(attempt, endpoint)

    def record(self, ref: BlobRef, **changes: Any) -> MessageRecord:
        message = Message(
            server_id=self.server.id,
            id=MessageId(12346),
            token=TOKEN,
            scope=Scope.INCOMING,
            mail_from="john@example.com",
            rcpt_to="support+42@acme.test",
            subject="Re: Welcome",
            message_id="81026759@mail.example.com",
            received_at=1_774_180_800.0,
            size=ref.length,
            blob=ref,
            origin=Origin("@incoming", "acme.test", ""),
            received_with_ssl=True,
            arrival=Arrival("rtabcdefghij", "enabcdefghij", False, "mx.example.com", "192.0.2.1", "mx.example.com"),
        )  # fmt: skip
        return MessageRecord(replace(message, **changes), inspection=Inspection())

    @property
    def body(self) -> Any:
        return json.loads(self.peer.requests[-1].body)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    program = bootstrap.in_memory(Settings(allow_private_destinations=True), live=True)
    server, _ = await make_tenant(program, CredentialKind.API)
    async with HttpPeer() as peer:
        yield Scene(program, server, peer)


def mail(
    text: str = "Thanks!\n\nOn Sat, 28 Nov 2026 at 09:00, Acme <a@acme.test> wrote:\n> Hello\n",
) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "John Döe <john@example.com>"
    message["To"] = 'support+42@acme.test, "Doe, J" <j@acme.test>'
    message["Subject"] = "Re: Grüße"
    message["Message-ID"] = "<81026759@mail.example.com>"
    message["Date"] = "Sun, 22 Mar 2026 13:59:58 +0200"
    message["In-Reply-To"] = "<5817a@acme.test>"
    message["References"] = "<a@acme.test> <5817a@acme.test>"
    message["Auto-Submitted"] = "no"
    message.set_content(text)
    return message


async def test_the_payload_of_v2(scene: Scene) -> None:
    content = mail()
    content.add_attachment(b"Hello world!", maintype="text", subtype="plain", filename="a.txt")
    raw = content.as_bytes()
    said = await scene.deliver(await scene.endpoint(), raw)
    assert said.result.verdict is Verdict.SENT
    assert said.result.details == f"Received a 200 from {scene.peer.url('/in')}"
    assert said.result.output == "ok"
    body = scene.body
    assert list(body) == ["id", "type", "timestamp", "server", "data"]
    assert (body["type"], body["timestamp"]) == ("email.incoming", "2026-03-22T12:00:00.000Z")
    assert body["server"] == scene.server.full_name
    data = body["data"]
    assert (
        list(data)
        == (
            "email route envelope from to cc reply_to subject message_id date in_reply_to references "
            "auto_submitted bounce text html reply_text quoted_text headers "
            "attachments raw spam threat authentication truncated"
        ).split()
    )
    assert data["email"] == {
        "id": 12346, "token": TOKEN, "direction": "incoming", "status": "Pending", "from": "john@example.com",
        "to": "support+42@acme.test", "subject": "Re: Welcome", "message_id": "81026759@mail.example.com",
        "stream": None, "tag": None, "metadata": {}, "size": len(raw), "spam_status": "NotSpam",
        "received_at": "2026-03-22T12:00:00.000Z",
    }  # fmt: skip
    assert data["route"] == {"id": "rtabcdefghij", "name": "support"}
    assert data["envelope"] == {
        "from": "john@example.com", "to": "support+42@acme.test", "tag": "42", "helo": "mx.example.com",
        "client": "192.0.2.1", "client_name": "mx.example.com", "tls": True,
    }  # fmt: skip
    assert data["from"] == [{"name": "John Döe", "address": "john@example.com"}]
    assert data["to"] == [
        {"name": "", "address": "support+42@acme.test"},
        {"name": "Doe, J", "address": "j@acme.test"},
    ]
    assert (data["cc"], data["reply_to"], data["html"]) == ([], [], None)
    assert data["subject"] == "Re: Grüße"
    assert data["message_id"] == "81026759@mail.example.com"
    assert data["date"] == "2026-03-22T11:59:58.000Z"
    assert data["in_reply_to"] == "5817a@acme.test"
    assert data["references"] == ["a@acme.test", "5817a@acme.test"]
    assert (data["auto_submitted"], data["bounce"]) == ("no", False)
    assert data["reply_text"] == "Thanks!\n"
    assert (
        data["quoted_text"] == "On Sat, 28 Nov 2026 at 09:00, Acme <a@acme.test> wrote:\n> Hello\n"
    )
    assert {"name": "Subject", "value": "Re: Grüße"} in data["headers"]
    (attachment,) = data["attachments"]
    assert attachment == {
        "filename": "a.txt", "content_type": "text/plain", "content_id": None, "inline": False, "size": 12,
        "sha256": hashlib.sha256(b"Hello world!").hexdigest(), "content": "SGVsbG8gd29ybGQh", "url": None,
        "url_expires_at": None,
    }  # fmt: skip
    assert data["raw"]["size"] == len(raw)
    assert data["raw"]["url"].startswith("http")
    assert data["spam"] == {
        "status": "NotSpam", "score": 0.0, "threshold": 5.0, "scanner": None, "checks": [],
    }  # fmt: skip
    assert data["threat"] == {"found": False, "details": "No threats found"}
    assert data["authentication"]["arc"] == {"result": "none"}
    assert data["authentication"]["dmarc"]["aligned"] == []
    assert data["truncated"] is False


async def test_the_id_is_the_same_on_each_attempt_and_another_at_another_endpoint(
    scene: Scene,
) -> None:
    endpoint = await scene.endpoint()
    other = replace(endpoint, id="enotherother")
    other, _ = await scene.program[ReceiverSecrets].with_secret(other)
    for one in (endpoint, endpoint, other):
        await scene.deliver(one, b"\r\nx")
    ids = [request.headers["webhook-id"] for request in scene.peer.requests]
    assert ids[0] == ids[1] != ids[2]
    assert scene.body["id"] == ids[2]


@pytest.mark.parametrize("shape", PayloadFormat)
async def test_every_signature_verifies(scene: Scene, shape: PayloadFormat) -> None:
    endpoint = await scene.endpoint(format=shape)
    first = scene.secret
    await scene.deliver(endpoint, mail().as_bytes())
    heard = scene.peer.requests[-1]
    assert heard.headers["user-agent"].startswith("Posthorn/")
    standardwebhooks.Webhook(first).verify(heard.body, heard.headers)
    keys = (await scene.program[RequestSignatures].key_set())["keys"]
    rsa, ed25519 = keys
    n, e = (
        int.from_bytes(base64.urlsafe_b64decode(rsa[name] + "==="), "big") for name in ("n", "e")
    )
    public = RSAPublicNumbers(e, n).public_key()
    hashes = {"x-postal-signature": SHA1(), "x-postal-signature-256": SHA256()}  # noqa: S303  # as theirs
    for name, hashed in hashes.items():
        public.verify(base64.b64decode(heard.headers[name]), heard.body, PKCS1v15(), hashed)
    assert heard.headers["x-postal-signature-kid"] == rsa["kid"]
    assert (ed25519["kty"], ed25519["crv"], ed25519["alg"]) == ("OKP", "Ed25519", "EdDSA")
    signed = (
        f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    )
    (v1a,) = (one for one in heard.headers["webhook-signature"].split() if one.startswith("v1a,"))
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(ed25519["x"] + "==="))
    key.verify(base64.b64decode(v1a.removeprefix("v1a,")), signed)


async def test_after_a_rotation_both_secrets_verify(scene: Scene) -> None:
    endpoint = await scene.endpoint()
    first = scene.secret
    rotated, second = await scene.program[ReceiverSecrets].rotated(endpoint)
    await scene.deliver(rotated, b"\r\nx")
    heard = scene.peer.requests[-1]
    for secret in (first, second):
        standardwebhooks.Webhook(secret).verify(heard.body, heard.headers)


async def test_an_installation_of_an_earlier_release_gets_its_key_once(scene: Scene) -> None:
    repository = scene.program[Repository]
    place = Place(THE_INSTALLATION)
    await repository.modify(INSTALLATION, place, lambda one: replace(one, request_key=None))
    before = await repository.get(INSTALLATION, place)
    made = await asyncio.gather(*(scene.program[Installation].ensure() for _ in range(4)))
    assert made[0].request_key is not None
    assert {one.request_key for one in made} == {made[0].request_key}
    assert replace(made[0], request_key=None) == before


async def test_large_attachments_have_an_address_from_the_first_that_is_too_much(
    scene: Scene,
) -> None:
    content = mail()
    large = b"\x00\x01" * 600_000
    for name, data in (("small", b"a"), ("large", large), ("after", b"b")):
        content.add_attachment(data, maintype="application", subtype="x", filename=name)
    await scene.deliver(await scene.endpoint(), content.as_bytes())
    small, big, after = scene.body["data"]["attachments"]
    assert (small["content"], small["url"]) == ("YQ==", None)
    assert big["content"] is after["content"] is None
    assert big["url"] != after["url"]
    assert big["url_expires_at"] is not None
    assert big["sha256"] == hashlib.sha256(large).hexdigest()


@pytest.mark.parametrize(("behind", "is_truncated"), [(99, False), (100, True), (130, True)])
async def test_a_hundred_attachments_have_an_address(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, behind: int, is_truncated: bool
) -> None:
    at_once: list[int] = []
    make, running = FileLinks.attachment, 0

    async def counted(self: FileLinks, *given: Any) -> FileLink:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0)
        link = await make(self, *given)
        running -= 1
        return link

    monkeypatch.setattr(FileLinks, "attachment", counted)
    content = mail()
    for data in (b"a", b"\x00\x01" * 600_000, *(b"%d" % one for one in range(behind))):
        content.add_attachment(data, maintype="application", subtype="x")
    await scene.deliver(await scene.endpoint(), content.as_bytes())
    data = scene.body["data"]
    first, *others = data["attachments"]
    assert first["content"] == "YQ=="
    assert all(one["content"] is None for one in others)
    linked = [one for one in others if one["url"]]
    assert linked == others[: len(linked)]
    assert len(linked) == len(at_once) == min(100, behind + 1)
    assert len({one["url"] for one in linked}) == len(linked)
    assert max(at_once) <= AT_A_TIME
    assert data["truncated"] is is_truncated
    assert all(one["sha256"] for one in others)


async def test_attachments_may_be_left_out(scene: Scene) -> None:
    content = mail()
    content.add_attachment(b"x" * 2_000_000, maintype="a", subtype="b", filename="c")
    await scene.deliver(await scene.endpoint(include_attachments=False), content.as_bytes())
    (attachment,) = scene.body["data"]["attachments"]
    assert (attachment["content"], attachment["url"], attachment["size"]) == (None, None, 2_000_000)


async def test_forms_are_posted_as_such(scene: Scene) -> None:
    endpoint = await scene.endpoint(format=PayloadFormat.HASH, encoding=PayloadEncoding.FORM)
    await scene.deliver(endpoint, mail("Hi\n").as_bytes())
    heard = scene.peer.requests[-1]
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"rcpt_to=support%2B42%40acme.test&" in heard.body


OUTCOMES = [
    # code, v2: verdict bounces disables; Hash and RawMessage: verdict bounces
    (200, "Sent", True, False, "Sent", True),
    (204, "Sent", True, False, "Sent", True),
    (302, "HardFail", True, False, "HardFail", True),
    (400, "HardFail", True, False, "HardFail", True),
    (404, "HardFail", True, False, "HardFail", True),
    (408, "SoftFail", True, False, "HardFail", True),
    (410, "HardFail", False, True, "HardFail", True),
    (425, "SoftFail", True, False, "HardFail", True),
    (429, "SoftFail", True, False, "HardFail", False),
    (500, "SoftFail", True, False, "SoftFail", True),
    (599, "SoftFail", True, False, "SoftFail", True),
    (600, "HardFail", True, False, "HardFail", True),
]


@pytest.mark.parametrize(("code", "v2", "bounces", "disables", "postal", "told"), OUTCOMES)
async def test_what_an_answer_means(
    scene: Scene, code: int, v2: str, bounces: bool, disables: bool, postal: str, told: bool
) -> None:
    scene.peer.answer = (
        f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\nRetry-After: 70\r\n\r\n".encode()
    )
    endpoint = await scene.endpoint()
    said = await scene.deliver(endpoint, b"\r\nx")
    assert said.result.details == f"Received a {code} from {scene.peer.url('/in')}"
    assert (said.result.verdict.value, said.bounces, said.disables) == (v2, bounces, disables)
    assert said.result.least_wait == (70 if code == 429 else 0)
    for shape in (PayloadFormat.HASH, PayloadFormat.RAW_MESSAGE):
        said = await scene.deliver(replace(endpoint, format=shape), b"\r\nx")
        assert (said.result.verdict.value, said.bounces) == (postal, told)
        assert said.result.least_wait == 0
        assert not said.disables


async def test_output_is_cut_and_trouble_is_described(scene: Scene) -> None:
    scene.peer.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000
    endpoint = await scene.endpoint()
    said = await scene.deliver(endpoint, b"\r\nx")
    assert said.result.output == "x" * 500
    gone = replace(endpoint, url="http://nowhere.invalid/in")
    said = await scene.deliver(gone, b"\r\nx")
    assert said.result.verdict is Verdict.SOFT
    assert said.result.details == "Received a -2 from http://nowhere.invalid/in"
    assert said.result.output == "nowhere.invalid has no address"
    assert said.result.cause == "dns_failure"


async def test_blocked_destinations_fail_softly(scene: Scene) -> None:
    program = bootstrap.in_memory(live=True)
    server, _ = await make_tenant(program, CredentialKind.API)
    guarded = Scene(program, server, scene.peer)
    said = await guarded.deliver(await guarded.endpoint(), b"\r\nx")
    assert said.result.verdict is Verdict.SOFT
    assert said.result.details == f"Received a -4 from {scene.peer.url('/in')}"
    assert (said.result.output, said.result.cause) == ("Blocked destination", "policy")
    assert scene.peer.connections == 0


async def test_user_info_is_sent_and_never_shown(scene: Scene) -> None:
    endpoint = await scene.endpoint()
    endpoint = await scene.program[ReceiverSecrets].with_user_info(endpoint, "joe:secret")
    said = await scene.deliver(endpoint, b"\r\nx")
    assert "authorization" in scene.peer.requests[-1].headers
    assert "secret" not in said.result.details
    assert said.result.details.endswith(f"http://***@127.0.0.1:{scene.peer.port}/in")


@pytest.mark.parametrize("shape", PayloadFormat)
async def test_odd_messages_are_posted_all_the_same(scene: Scene, shape: PayloadFormat) -> None:
    endpoint = await scene.endpoint(format=shape, strip_replies=True)
    odd = [
        b"",
        b"\r\n",
        b"From: \xff\r\nTo: =?utf-8?b?=FF?= <\x00>\r\nDate: Sat, 99 Nov 99999 25:61:61 +9999\r\n\r\n\xff",
        b"From: a, b: c@d.test, <e@f.test>;\r\nReply-To:\r\nMessage-ID: <\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+AGE-",
    ]
    for content in odd:
        said = await scene.deliver(endpoint, content, mail_from="", subject="", message_id="")
        assert said.result.verdict is Verdict.SENT
        assert scene.body


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), ("0", 0), ("-5", 0), ("\u00b2", 0), ("soon", 0), ("", 0), (None, 0), ("9" * 90, 86_400),
        ("Thu, 01 Jan 1970 00:05:00 GMT", 200), ("Thu, 01 Jan 1970 00:00:50 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400), ("Sat, 99 Foo 99999 99:99:99 GMT", 0),
    ],
)  # fmt: skip
def test_what_retry_after_means(value: str | None, seconds: int) -> None:
    assert retry_after(value, 100.0) == seconds


def test_parts_of_a_second_are_waited_for() -> None:
    assert retry_after("Thu, 01 Jan 1970 00:05:00 GMT", 100.4) == 200


@pytest.mark.parametrize("wait", [{"least_wait": 70}, {"retry_hint": 70}])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.999])
async def test_no_attempt_is_made_sooner_than_was_asked_for(
    wait: dict[str, int], part: float
) -> None:
    played = await make_scene()
    played.clock.advance(1 - played.clock.now() % 1 + part)
    server = replace(played.server, retry_schedule="1s*5")
    facts = Facts(server=server, route=None, endpoint=None, max_attempts=18, manual=False)
    record = MessageRecord(a_message(server.id, 1), attempt=1)
    attempt = IncomingAttempt(record, facts, 1, None)  # type: ignore[arg-type]  # no body
    result = AttemptResult(Verdict.SOFT, "x", **wait)  # type: ignore[arg-type]
    after = played.posthorn[AttemptEnd].concluded(attempt, result, "x")
    assert 70 <= after.wake_at - played.clock.now() < 71


async def test_an_endpoint_that_asks_for_time_gets_it(scene: Scene) -> None:
    """Not before then, and not before the schedule either."""
    result = AttemptResult(Verdict.SOFT, "x", least_wait=7_200)
    end, server = scene.program[AttemptEnd], replace(scene.server, retry_schedule="60s*5")
    facts = Facts(server=server, route=None, endpoint=None, max_attempts=18, manual=False)
    record = replace(scene.record(BlobRef("r/1", 0, 1)), attempt=1)
    attempt = IncomingAttempt(record, facts, 1, None)  # type: ignore[arg-type]  # no body
    now = int(scene.program[Clock].now())
    asked = end.concluded(attempt, result, "x")
    assert 0 <= asked.wake_at - now - 7_200 <= 2
    sooner = end.concluded(attempt, replace(result, least_wait=1), "x")
    assert sooner.wake_at - now >= 30


FIELDS = {
    "a@b.test": [("", "a@b.test")],
    "A <a@b.test>, \"B, C\" <b@c.test>": [("A", "a@b.test"), ("B, C", "b@c.test")],
    "=?utf-8?q?J=C3=BCrgen?= <j@b.test>": [("Jürgen", "j@b.test")],
    "undisclosed-recipients:;": [],
    "Team: A <a@b.test>, c@d.test;, e@f.test": [("A", "a@b.test"), ("", "c@d.test"), ("", "e@f.test")],
    "a@b.test (A comment)": [("", "a@b.test")],
    "nobody": [],
    "<>": [],
    "\"x@y.test\" <a@b.test>": [("x@y.test", "a@b.test")],
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_address_fields_are_read(scene_record: MessageRecord, field: str) -> None:
    content = read_incoming(f"To: {field}\r\n\r\nx".encode())
    shown = message_objects(content, scene_record)["to"]
    assert [(one["name"], one["address"]) for one in shown] == FIELDS[field]


@pytest.fixture
def scene_record(scene: Scene) -> MessageRecord:
    return scene.record(BlobRef("r/1", 0, 1))


def test_no_more_of_an_address_field_is_read_than_people_write(scene_record: MessageRecord) -> None:
    def to(field: str) -> list[dict[str, str]]:
        content = read_incoming(f"To: {field}\r\n\r\nx".encode())
        found: list[dict[str, str]] = message_objects(content, scene_record)["to"]
        return found

    assert len(to("a@b.test," * 1_500)) == 1_000
    assert len(to("nobody," * 990 + "a@b.test," * 20)) == 10
    assert to(">" * 65_000) == to("<" * 65_000) == []
    longest = "N" * 1_980 + " <a@b.test>"
    assert [one["address"] for one in to(f"{longest}, c@d.test")] == ["a@b.test", "c@d.test"]
    assert [one["address"] for one in to(f"{'N' * 20}{longest}, c@d.test")] == ["c@d.test"]
