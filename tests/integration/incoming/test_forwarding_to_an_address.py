"""Endpoints that are addresses: mail is sent on to their MX, and reports about it go back to who sent it."""

from __future__ import annotations

import pytest

from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import Rejected
from chalicelib.domain.inspection import SpamCheck, Threat
from chalicelib.domain.model import Status
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.scanners import Scanners, SpamReport
from tests.incoming_play import CONTENT, RECEIVED, address_route, arrives, carried
from tests.worlds import Scene, make_scene, publish

REPORT = b"Content-Type: multipart/report; boundary=x\r\n" + CONTENT
LONG = "a" * 50 + "@away.example"
REFUSED = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")


async def forwarded_under(scene: Scene, sender: str = "sender@away.example") -> str:
    """The address under which a message of this sender was forwarded."""
    await carried(scene, await arrives(scene, await address_route(scene), mail_from=sender))
    return scene.egress.received.pop().envelope.mail_from


async def test_the_message_goes_to_the_mx_of_the_address() -> None:
    scene = await make_scene()
    last = await carried(scene, await arrives(scene, await address_route(scene), "fwd+tag"))
    place = "93.184.216.34:25 (mx.example.com)"
    assert (last.status, last.details) == (
        Status.SENT,
        f"Message for other@example.com accepted by {place}",
    )
    (got,) = scene.egress.received
    assert got.envelope.rcpt_to == "other@example.com"
    assert got.envelope.mail_from.startswith("SRS0=")
    assert got.content.startswith(b"Delivered-To: fwd+tag@acme.test\r\nARC-Seal: i=1;")
    assert b"\r\nX-Postal-Spam: no\r\n" in got.content
    assert got.content.endswith(RECEIVED + CONTENT)
    assert got.source.pool == scene.server.pool


@pytest.mark.parametrize("fold", [str.lower, str.upper, str])
async def test_a_report_goes_back_to_the_sender(fold: type[str]) -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene)
    report = await arrives(scene, None, address=fold(address), mail_from="", content=REPORT)
    assert (await carried(scene, report)).status is Status.SENT
    (got,) = scene.egress.received
    assert got.envelope.mail_from == ""
    assert got.envelope.rcpt_to.lower() == "sender@away.example"
    assert got.content.endswith(RECEIVED + REPORT)


async def test_a_report_to_the_return_path_that_stood_in_its_place_does_too() -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene, LONG)
    assert len(address.partition("@")[0]) == 24
    wanted = {"address": address, "mail_from": "", "reports": True, "content": REPORT}
    for changed in (
        {},
        {"address": address.upper()},
        {"address": f'"{address[:24]}"{address[24:]}'},
    ):
        report = await arrives(scene, None, **{**wanted, **changed})
        assert (await carried(scene, report)).status is Status.SENT
        got = scene.egress.received.pop()
        assert (got.envelope.mail_from, got.envelope.rcpt_to) == ("", LONG)
    for wrong in ({"mail_from": "x@far.example"}, {"content": CONTENT, "reports": False}):
        other = await arrives(scene, None, **{**wanted, **wrong})
        assert (await carried(scene, other)).status is Status.HARD_FAIL
    for _ in range(6):
        await carried(scene, await arrives(scene, None, **wanted))
    with pytest.raises(Rejected, match="Too many reports"):
        await arrives(scene, None, **{**wanted, "address": address.upper()})
    scene.clock.advance(10 * DAY + 1)
    assert (await carried(scene, await arrives(scene, None, **wanted))).status is Status.HARD_FAIL
    assert len(scene.egress.received) == 6


async def test_days_are_counted_from_when_the_message_was_sent_on() -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    message = await arrives(scene, await address_route(scene), mail_from=LONG)
    scene.clock.advance(2 * DAY)
    assert (await carried(scene, message)).status is Status.SENT
    address = scene.egress.received.pop().envelope.mail_from
    scene.clock.advance(9 * DAY)
    report = await arrives(scene, None, address=address, mail_from="", content=REPORT)
    assert (await carried(scene, report)).status is Status.SENT


@pytest.mark.parametrize("sender", ["sender@away.example", LONG])
async def test_what_goes_back_is_inspected_and_sealed_without_forged_fields(sender: str) -> None:
    scanners = ScriptedScanners()
    scene = await make_scene(parts={Scanners: scanners})
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene, sender)
    name = scene.posthorn[Settings].smtp_hostname.encode()
    forged = b"X-Postal-Spam: no\r\nAuthentication-Results: " + name + b"; spf=pass\r\n"
    scanners.found = Threat(True, "Eicar-Test-Signature FOUND")
    at_it = {"address": address, "mail_from": "", "reports": True}
    report = await arrives(scene, None, content=forged + REPORT, **at_it)
    assert (await carried(scene, report)).status is Status.SENT
    (got,) = scene.egress.received
    head = got.content.removesuffix(RECEIVED + REPORT)
    assert got.content.endswith(RECEIVED + REPORT)
    assert head.startswith(f"Delivered-To: {report.rcpt_to}\r\nARC-Seal: i=1;".encode())
    assert head.count(b"\r\nX-Postal-Spam: ") == head.count(b"\r\nAuthentication-Results: ") == 1
    assert b"\r\nX-Postal-Threat: yes\r\n" in head
    assert b"spf=pass" not in head


async def test_spam_above_the_threshold_does_not_go_back() -> None:
    scanners = ScriptedScanners()
    scene = await make_scene(parts={Scanners: scanners})
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene)
    scanners.report = SpamReport("spamd", 99.0, (SpamCheck("GTUBE", 99.0, "Generic test"),))
    report = await arrives(scene, None, address=address, mail_from="", content=REPORT)
    last = await carried(scene, report)
    assert last.status is Status.HARD_FAIL
    assert last.details.startswith("Message's spam score is higher than the failure threshold")
    assert not scene.egress.received


@pytest.mark.parametrize("kind", ["srs", "return path"])
async def test_such_a_local_part_at_a_domain_of_a_customer_is_a_name_like_any(kind: str) -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    sender = LONG if kind == "return path" else "sender@away.example"
    local = (await forwarded_under(scene, sender)).rpartition("@")[0]
    route = await address_route(scene, "*", address="third@example.com")
    message = await arrives(scene, route, address=f"{local}@acme.test", mail_from="")
    assert (await carried(scene, message)).status is Status.SENT
    (got,) = scene.egress.received
    assert got.envelope.rcpt_to == "third@example.com"


async def test_a_report_that_cannot_go_back_fails_and_is_not_bounced() -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene)
    scene.egress.always("@away.example", REFUSED)
    report = await arrives(scene, None, address=address, mail_from="", content=REPORT)
    last = await carried(scene, report)
    assert last.status is Status.HARD_FAIL
    assert last.details.startswith("Permanent SMTP delivery error")
    assert "bounce" not in last.details


async def test_days_are_counted_to_the_arrival_of_the_report() -> None:
    scene = await make_scene()
    publish(scene.posthorn, "away.example")
    address = await forwarded_under(scene)
    scene.clock.advance(9 * DAY)
    in_time = await arrives(scene, None, address=address, mail_from="", content=REPORT)
    scene.clock.advance(5 * DAY)
    assert (await carried(scene, in_time)).status is Status.SENT
    late = await arrives(scene, None, address=address, mail_from="", content=REPORT)
    assert (await carried(scene, late)).status is Status.HARD_FAIL
