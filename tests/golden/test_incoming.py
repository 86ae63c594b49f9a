"""Routes of every kind and mode, recorded: the same messages come of the same mail, with the same texts, and what is
forwarded has the same head."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.model import Message, MessageRecord
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.endpoints import EndpointType, PayloadFormat
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.pipeline import STEPS
from tests import incoming_play
from tests.golden.comparison import plainly
from tests.golden.recordings import read
from tests.golden.world import ACCEPTED, SETTINGS, golden_scene
from tests.http_peer import HttpPeer
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import arrives, carry
from tests.worlds import Scene

CONTENT = incoming_play.CONTENT.replace(b"acme.test", b"golden.example")
RECORDED = {one["case"]: one for one in read("incoming.json")}
OF_REPORTS = ("return path, unmatched report", "return path, auto reply from a person")
MODES = {"accept": RouteMode.ACCEPT, "hold": RouteMode.HOLD, "bounce": RouteMode.BOUNCE}
ANSWERS = {"500": b"oops", "404": b"no", "429": b"slow", "302": b"moved", "200": b"OK"}
# Written by us alone, or with another value: docs/receiving.md says which.
OURS = re.compile(r"(?:Delivered-To|Authentication-Results|ARC-[A-Za-z-]+|Resent-Sender):")
NULL_SENDER = "mode Bounce, null sender"


@asynccontextmanager
async def played(case: dict[str, Any]) -> AsyncIterator[tuple[Scene, Message]]:
    """The scene after the mail of a case was carried, and the first message that it became."""
    scene = await golden_scene(replace(SETTINGS, allow_private_destinations=True))
    zone = scene.posthorn[ScriptedResolver].zone
    for name in ("away.example", "elsewhere.example"):
        zone[name] = {"MX": [(10, "sink.example")]}
    scene.egress.always("sink.example", ACCEPTED)
    said = next((code for code in ANSWERS if code in case["case"]), "200")
    body = ANSWERS[said]
    answer = b"HTTP/1.1 %s X\r\nContent-Length: %d\r\n\r\n%s" % (said.encode(), len(body), body)
    async with HttpPeer(answer) as peer:
        route = await route_of(scene, case, peer)
        sender = case["mail_from"] or ""
        address = case["messages"][0]["rcpt_to"]
        message = await arrives(scene, route, mail_from=sender, address=address, content=CONTENT)
        await carry(scene)
        await scene.deliver_ready()
        yield scene, message


async def route_of(scene: Scene, case: dict[str, Any], peer: HttpPeer) -> Route:
    name = case["messages"][0]["rcpt_to"].partition("@")[0].partition("+")[0]
    if name in MODES:
        return await add_route(scene, name, domain="golden.example", mode=MODES[name])
    fields: dict[str, Any] = {
        "smtp": {"type": EndpointType.SMTP, "hostname": "sink.example"},
        "fwd": {"type": EndpointType.ADDRESS, "address": "other@elsewhere.example"},
    }.get(name, {"url": peer.url(f"/in/{name}"), "format": PayloadFormat.HASH})
    endpoint = await add_endpoint(scene, **fields)
    return await add_route(scene, name, domain="golden.example", endpoint=endpoint.id)


async def stored(scene: Scene, first: Message, count: int) -> list[MessageRecord]:
    numbers = [MessageId(first.id + at) for at in range(count)]
    return [await scene.posthorn[MessageStore].get(scene.server.id, one) for one in numbers]


def told(record: MessageRecord) -> dict[str, Any]:
    """A message as it was recorded."""
    message = record.message
    return {
        "scope": message.scope.value,
        "rcpt_to": message.rcpt_to,
        "mail_from": message.mail_from or None,
        "status": record.status.value,
        "bounce": str(int(message.bounce)),
        "spam": "0",
        "held": str(int(record.held)),
        "deliveries": [
            {"status": one.status.value, "details": one.details, "output": one.output}
            for one in record.deliveries
        ],
    }


def alike(value: Any) -> Any:
    """Without what differs by nature."""
    if isinstance(value, dict):
        return {name: alike(one) for name, one in value.items() if name != "id"}
    if isinstance(value, list):
        return [alike(one) for one in value]
    return re.sub(r"<msg:\d+>", "<msg:n>", plainly(value, ""))


@pytest.mark.parametrize("title", [one for one in RECORDED if one not in OF_REPORTS])
async def test_the_same_becomes_of_the_same_mail(title: str) -> None:
    case = RECORDED[title]
    async with played(case) as (scene, message):
        ours = [told(one) for one in await stored(scene, message, len(case["messages"]))]
        theirs = case["messages"]
        if title == NULL_SENDER:  # there it stays Pending for ever
            details = (
                "Message has been bounced because the route asks for this. No bounce was sent."
            )
            entry = {"status": "HardFail", "details": details, "output": None}
            theirs = [{**theirs[0], "status": "HardFail", "deliveries": [entry]}]
        assert alike(ours) == alike(theirs)


@pytest.mark.parametrize("title", ["SMTP endpoint", "address endpoint"])
async def test_what_is_forwarded_has_the_same_head(title: str) -> None:
    case = RECORDED[title]
    async with played(case) as (scene, _):
        (got,) = scene.egress.received
        head = got.content.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        ours = [line for line in head if not OURS.match(line) and not line[:1].isspace()]
        theirs = [line for line in case["forwarded"]["head"].split("\n") if not OURS.match(line)]
        trace = [line.partition(":")[0] for line in (*ours, *theirs) if line.startswith("Received")]
        assert trace == ["Received"] * 2
        without = [[one for one in lines if "Received:" not in one] for lines in (ours, theirs)]
        assert without[0] == without[1]
        assert got.content.endswith(CONTENT)
        assert got.envelope.rcpt_to == case["forwarded"]["rcpt_to"][0]
        assert got.envelope.mail_from.startswith("SRS0=")
        assert b"Resent-Sender" not in got.content


async def test_a_bounce_has_the_same_fields() -> None:
    case = RECORDED["mode Bounce"]
    async with played(case) as (scene, _):
        (got,) = scene.egress.received
        assert (got.envelope.mail_from, [got.envelope.rcpt_to]) == (
            "",
            case["forwarded"]["rcpt_to"],
        )
        head = got.content.partition(b"\r\n\r\n")[0].decode()
        for line in case["forwarded"]["head"].split("\n"):
            if line.startswith(("From:", "To:", "Subject:")):
                assert f"\r\n{line}\r\n" in head
        assert "multipart/report; report-type=delivery-status;" in head


@pytest.mark.parametrize("title", OF_REPORTS)
async def test_what_reports_on_nothing_fails_without_a_route(title: str) -> None:
    if "MatchReport" not in {getattr(step, "__name__", "") for step in STEPS}:
        pytest.skip("reports are not matched")
    case = RECORDED[title]
    scene = await golden_scene()
    address, sender = f"{scene.server.token}@rp.postal.example.com", case["mail_from"] or ""
    message = await arrives(scene, None, mail_from=sender, address=address, bounce=True)
    await carry(scene)
    (ours,) = [told(one) for one in await stored(scene, message, 1)]
    assert alike({**ours, "rcpt_to": ""}) == alike({**case["messages"][0], "rcpt_to": ""})
