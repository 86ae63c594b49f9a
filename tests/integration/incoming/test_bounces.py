"""Senders of mail that failed for good are told, once, where that is due and allowed."""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.config import Settings
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.inspection import Authentication, Dmarc, Spf
from chalicelib.domain.model import Delivery, Message, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.routes import ROUTES, RouteMode
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.scanners import Scanners
from chalicelib.services.incoming.by_hand import IncomingByHand
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tenancy.servers import Servers
from tests.incoming_mail import add_route
from tests.incoming_play import CONTENT, RECEIVED, address_route, arrives, carried, smtp_route
from tests.reported_mail import authenticated
from tests.worlds import Scene, make_scene, publish

SENDER = "sender@away.example"
ASKED = "Message has been bounced because the route asks for this."
REFUSED = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")


async def bounce_of(scene: Scene, message: Message) -> Message:
    """The bounce of a message, as it is stored."""
    record = await scene.record(message)
    assert record.bounced_as is not None
    bounce = await scene.posthorn[MessageStore].get(scene.server.id, MessageId(record.bounced_as))
    assert bounce.message.reports_on == message.id
    return bounce.message


async def read(scene: Scene, bounce: Message) -> EmailMessage:
    content = await scene.posthorn[BlobStore].get(bounce.blob)
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def refused(scene: Scene, **changes: Any) -> tuple[Message, Delivery]:
    """A message for a route that asks for bounces, carried."""
    route = await add_route(scene, changes.pop("name", "bounce"), mode=RouteMode.BOUNCE)
    message = await arrives(scene, route, **changes)
    return message, await carried(scene, message)


async def test_a_route_may_ask_for_it() -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    message, last = await refused(scene, local="bounce+tag")
    bounce = await bounce_of(scene, message)
    assert (last.status, last.details) == (
        Status.HARD_FAIL,
        f"{ASKED} See message <msg:{bounce.id}>",
    )
    assert (bounce.mail_from, bounce.rcpt_to) == ("bounce@acme.test", "sender@away.example")
    assert bounce.bounce
    await scene.deliver_ready()
    (got,) = scene.egress.received
    assert (got.envelope.mail_from, got.envelope.rcpt_to) == ("", "sender@away.example")
    assert b"Resent-Sender" not in got.content
    assert (await scene.record(bounce)).status is Status.SENT


async def test_it_is_a_report_of_three_parts() -> None:
    scene = await make_scene()
    dsn = DsnParameters("FAILURE,DELAY", "rfc822;Bounce+2Bx@acme.test", "FULL", "QQ+3D1")
    message, _ = await refused(scene, dsn=dsn)
    found = await read(scene, await bounce_of(scene, message))
    assert found["Subject"] == "Mail Delivery Failed (Hello)"
    assert found["From"] == "Mail Delivery Service <bounce@acme.test>"
    assert found["To"] == "sender@away.example"
    assert found["Auto-Submitted"] == "auto-replied"
    assert found.get_content_type() == "multipart/report"
    assert found["Content-Type"].params["report-type"] == "delivery-status"
    words, status, returned = found.iter_parts()
    text = words.get_content()
    assert "delivering mail to bounce@acme.test." in text
    assert "contact postmaster@acme.test." in text
    for line in (
        f"Message Token: {message.token}@{scene.server.token}",
        "Orginal Message ID: in@away.example",  # codespell:ignore
        "Mail from: sender@away.example",
        "Rcpt To: bounce@acme.test",
    ):
        assert line in text.splitlines()
    of_message, of_recipient = status.get_payload()
    assert of_message["Reporting-MTA"] == f"dns; {scene.posthorn.settings.smtp_hostname}"
    assert of_message["Original-Envelope-Id"] == "QQ=1"
    assert of_recipient["Original-Recipient"] == "rfc822; Bounce+x@acme.test"
    assert of_recipient["Final-Recipient"] == "rfc822; bounce@acme.test"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", "5.7.1")
    assert returned.get_content_type() == "message/rfc822"
    assert returned.get_filename() == "Original Message.eml"
    assert returned.get_content()["Subject"] == "Hello"
    assert returned.get_content()["Received"]


async def test_the_header_alone_comes_back_if_that_is_asked_for() -> None:
    scene = await make_scene()
    message, _ = await refused(scene, dsn=DsnParameters(ret="HDRS"))
    *_, returned = (await read(scene, await bounce_of(scene, message))).iter_parts()
    assert returned.get_content_type() == "text/rfc822-headers"
    header = returned.get_payload(decode=True)
    assert header.startswith(b"X-Postal-Spam: no\r\n")
    assert RECEIVED in header
    assert b"Hi" not in returned.get_payload(decode=True)


async def test_the_postmaster_may_be_another() -> None:
    scene = await make_scene()
    await scene.change_server(postmaster_address="help@acme.test")
    message, _ = await refused(scene)
    words, *_ = (await read(scene, await bounce_of(scene, message))).iter_parts()
    assert "contact help@acme.test." in words.get_content()


async def test_a_pattern_has_the_recipients_own_name() -> None:
    scene = await make_scene()
    message, _ = await refused(scene, name="sup*", local="support+1")
    assert (await bounce_of(scene, message)).mail_from == "support@acme.test"


async def test_an_endpoints_refusal_is_told_with_its_code() -> None:
    scene = await make_scene()
    scene.egress.always("in.customer.example", REFUSED)
    route = await smtp_route(scene, hostname="93.184.216.34")
    scene.egress.always("93.184.216.34", REFUSED)
    message = await arrives(scene, route)
    last = await carried(scene, message)
    bounce = await bounce_of(scene, message)
    assert last.details == (
        "Permanent SMTP delivery error when sending to 93.184.216.34:25 (93.184.216.34). "
        f"Sent bounce message to sender (see message <msg:{bounce.id}>)"
    )
    _, status, _ = (await read(scene, bounce)).iter_parts()
    of_recipient = status.get_payload()[1]
    assert of_recipient["Status"] == "5.1.1"
    assert of_recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert of_recipient["Remote-MTA"] == "dns; 93.184.216.34"


async def test_where_mail_is_forwarded_to_is_not_told() -> None:
    scene = await make_scene()
    said = "5.1.1 <other@example.com> is unknown"
    scene.egress.always("@example.com", TransactionResult(Reply(550, "", said), "RCPT"))
    message = await arrives(scene, await address_route(scene))
    await carried(scene, message)
    content = await scene.posthorn[BlobStore].get((await bounce_of(scene, message)).blob)
    assert b"Status: 5.1.1\r\n" in content
    assert b"example.com" not in content.replace(b"@posthorn.example.com", b"").replace(
        b"posthorn.example.com", b""
    )


async def test_the_last_attempt_is_followed_by_one() -> None:
    scene = await make_scene()
    await scene.change_server(retry_schedule="1m")
    route = await smtp_route(scene, hostname="93.184.216.34")
    scene.egress.always("93.184.216.34", TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    message = await arrives(scene, route)
    for _ in range(3):
        last = await carried(scene, message)
        scene.clock.advance(70)
    bounce = await bounce_of(scene, message)
    assert last.details == (
        "Maximum number of delivery attempts (2) has been reached. "
        f"Bounce sent to sender (see message <msg:{bounce.id}>)"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"mail_from": ""},
        {"content": b"Auto-Submitted: auto-replied\r\n" + CONTENT},
        {"content": b"Auto-Submitted: (x) auto-generated; a=b\r\n" + CONTENT},
        {"content": b"Precedence: Bulk\r\n" + CONTENT},
        {"content": b"Precedence: list\r\n" + CONTENT},
        {"dsn": DsnParameters("NEVER")},
        {"dsn": DsnParameters("SUCCESS,DELAY")},
        {"bounce": True},
    ],
)
async def test_some_are_told_nothing(changes: dict[str, Any]) -> None:
    scene = await make_scene()
    message, last = await refused(scene, **changes)
    assert (last.status, last.details) == (Status.HARD_FAIL, f"{ASKED} No bounce was sent.")
    assert (await scene.record(message)).bounced_as is None


@pytest.mark.parametrize(
    "changes",
    [
        {"content": b"Auto-Submitted: no\r\n" + CONTENT},
        {"content": b"Precedence: first-class\r\n" + CONTENT},
        {"dsn": DsnParameters("DELAY,failure")},
        {"dsn": DsnParameters(envid="x")},
    ],
)
async def test_others_are(changes: dict[str, Any]) -> None:
    scene = await make_scene()
    message, _ = await refused(scene, **changes)
    assert await bounce_of(scene, message)


async def test_a_server_may_want_none() -> None:
    scene = await make_scene()
    await scene.change_server(bounce_incoming=False)
    _, last = await refused(scene)
    assert last.details == f"{ASKED} No bounce was sent."


@pytest.mark.parametrize(
    ("spf", "dmarc", "is_told"),
    [
        ("fail", "none", False),
        ("softfail", "none", False),
        ("none", "fail", False),
        ("fail", "pass", True),
        ("neutral", "none", True),
        ("pass", "fail", False),
    ],
)
async def test_a_forged_sender_is_told_nothing(spf: str, dmarc: str, is_told: bool) -> None:
    scene = await make_scene()
    with authenticated(Authentication(Spf(spf), (), Dmarc(dmarc))):
        message, _ = await refused(scene)
    assert ((await scene.record(message)).bounced_as is not None) is is_told


async def exhausted(scene: Scene) -> Message:
    """Never scanned, until its attempts are used up."""
    message = await arrives(scene, await smtp_route(scene), mail_from=SENDER)
    while (await carried(scene, message)).status is not Status.HARD_FAIL:
        scene.clock.advance(DAY)
        await scene.posthorn[Sweep].run()
    return message


async def given_up_at_once(scene: Scene) -> Message:
    """Before its first attempt."""
    message = await arrives(scene, await smtp_route(scene), mail_from=SENDER)
    await scene.posthorn[IncomingByHand].bounce(scene.server, message.id)
    return message


async def given_up_while_suspended(scene: Scene) -> Message:
    """Held before anything was looked at."""
    message = await arrives(scene, await smtp_route(scene), mail_from=SENDER)
    await scene.posthorn[Servers].suspend(scene.server, "unpaid")
    assert (await carried(scene, message)).status is Status.HELD
    await scene.posthorn[IncomingByHand].bounce(scene.server, message.id)
    return message


@pytest.mark.parametrize(("policy", "is_told"), [("-all", False), ("+all", True)])
@pytest.mark.parametrize("failed", [exhausted, given_up_at_once, given_up_while_suspended])
async def test_what_failed_before_it_was_looked_at_is_looked_at_before_its_sender_is_told(
    failed: Callable[[Scene], Awaitable[Message]], policy: str, is_told: bool
) -> None:
    scanners = ScriptedScanners()
    scanners.report = TemporaryFailure("gone")
    settings = Settings(scan_failure="closed", max_attempts=3)
    scene = await make_scene(settings, parts={Scanners: scanners})
    scene.posthorn[ScriptedResolver].zone["away.example"] = {"TXT": [f"v=spf1 {policy}"]}
    message = await failed(scene)
    record = await scene.record(message)
    assert record.inspection is None
    assert (record.status, record.bounced_as is not None) == (Status.HARD_FAIL, is_told)


async def test_a_pool_that_is_gone_leaves_no_bounce() -> None:
    scene = await make_scene()
    store = scene.posthorn[Repository]
    await store.replace(SERVERS, replace(scene.server, pool="gone"))
    _, last = await refused(scene)
    assert last.details == f"{ASKED} No bounce was sent."


async def test_one_address_has_ten_an_hour() -> None:
    scene = await make_scene(Settings(bounces_per_hour=2))
    route = await add_route(scene, "bounce", mode=RouteMode.BOUNCE)
    ends = []
    for sender in ("a@away.example", "A+x@away.example", "a+y@Away.Example", "b@away.example"):
        last = await carried(scene, await arrives(scene, route, mail_from=sender))
        ends.append(last.details.endswith("No bounce was sent."))
    assert ends == [False, False, True, False]
    scene.clock.advance(3_700)
    again = await carried(scene, await arrives(scene, route, mail_from="a@away.example"))
    assert "See message" in again.details


async def test_additional_endpoints_send_none() -> None:
    scene = await make_scene()
    route = await smtp_route(scene, hostname="93.184.216.34")
    other = await smtp_route(scene, "other", hostname="93.184.216.35")

    both = replace(route, additional_endpoints=(str(other.endpoint),))
    await scene.posthorn[Repository].replace(ROUTES, both)
    scene.egress.always("93.184.216.35", REFUSED)
    first = await arrives(scene, both)
    await carried(scene, first)
    second = await scene.posthorn[MessageStore].get(scene.server.id, MessageId(first.id + 1))
    assert second.deliveries[-1].details.endswith("(93.184.216.35). No bounce was sent.")


@pytest.mark.parametrize("mail_from", ["jörg@away.example", "john@away.example"])
async def test_what_came_with_smtputf8_is_told_so_that_the_sender_can_read_it(
    mail_from: str,
) -> None:
    scene = await make_scene()
    content = CONTENT.replace(b"Hello", "Grüße".encode())
    message, _ = await refused(
        scene, local="bounce+ü", mail_from=mail_from, content=content, smtputf8=True
    )
    bounce = await bounce_of(scene, message)
    assert bounce.smtputf8 is not mail_from.isascii()
    stored = await scene.posthorn[BlobStore].get(bounce.blob)
    assert stored.isascii() is mail_from.isascii()
    boundary = stored.partition(b'boundary="')[2].partition(b'"')[0]
    _, _, status, returned, _ = stored.split(b"--" + boundary)
    assert status.startswith(b"\r\nContent-Type: message/global-delivery-status\r\n")
    words = quopri.decodestring(status).decode()
    assert "Final-Recipient: utf-8; bounce+ü@acme.test\r\n" in words
    kind, _, encoded = returned.partition(b"\r\n\r\n")
    assert kind.startswith(b"\r\nContent-Type: message/global\r\n")
    assert base64.b64decode(encoded).endswith(RECEIVED + content)


async def test_what_no_condition_took_is_told() -> None:
    scene = await make_scene()
    message = await arrives(scene, None, address="nobody@acme.test")
    last = await carried(scene, message)
    bounce = await bounce_of(scene, message)
    assert last.details == (
        "Message does not have a route and/or endpoint available for delivery. "
        f"Sent bounce message to sender (see message <msg:{bounce.id}>)"
    )
