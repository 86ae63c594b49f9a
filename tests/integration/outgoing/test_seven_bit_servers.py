"""8-bit mail to a server without 8BITMIME: converted before it is signed, or returned with 5.6.3."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from types import SimpleNamespace

import dkim
import pytest
from pytest import MonkeyPatch

from chalicelib.config import Settings
from chalicelib.domain.dns.records import dkim_text, key_name
from chalicelib.domain.model import Status
from chalicelib.ports.blobs import BlobStore
from chalicelib.services.queue.bodies import NO_ROOM
from tests.dkim_verifiers import verifier
from tests.worlds import Scene, make_scene

FIELDS = (
    b"From: App <app@acme.test>\r\nDate: Fri, 22 Mar 2024 12:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b"Message-ID: <one@acme.test>\r\nContent-Type: text/plain; charset=utf-8\r\n"
)
GREETING = "Viele Grüße aus der Stadt am Rhein\r\n".encode()
EIGHT_BIT = FIELDS + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + GREETING


async def delivered(content: bytes, *, seven_bit: bool) -> tuple[Scene, Status, str]:
    """The scene after one attempt, how it ended, and what the delivery says."""
    scene = await make_scene()
    if seven_bit:
        scene.egress.seven_bit.add("mx.example.com")
    (accepted,) = await scene.accept(content=content)
    await scene.deliver_ready()
    record = await scene.record(accepted)
    (delivery,) = record.deliveries
    return scene, record.status, delivery.output or ""


async def test_a_converted_message_is_signed_as_it_is_sent(monkeypatch: MonkeyPatch) -> None:
    scene, status, output = await delivered(EIGHT_BIT, seven_bit=True)
    assert (status, output) == (Status.SENT, "250 2.0.0 OK")
    (received,) = scene.egress.received
    assert received.content.isascii()
    assert received.content.endswith(b"\r\n\r\nViele Gr=C3=BC=C3=9Fe aus der Stadt am Rhein\r\n")
    message = BytesParser(policy=policy.default).parsebytes(received.content)
    assert message.get_content().encode() == GREETING
    records = {key_name(key): dkim_text(key) for key in scene.domain.keys}
    monkeypatch.setattr(dkim, "time", SimpleNamespace(time=scene.clock.now))
    (verdict,) = verifier("dkimpy")([received.content], records)
    assert list(verdict.values()) == ["pass", "pass"]


async def test_the_stored_message_stays_8_bit_and_other_servers_get_it_so() -> None:
    scene, status, _ = await delivered(EIGHT_BIT, seven_bit=False)
    assert status is Status.SENT
    assert scene.egress.received[0].content.endswith(EIGHT_BIT)
    scene.egress.seven_bit.add("mx.example.net")
    (accepted,) = await scene.accept("b@example.net", content=EIGHT_BIT)
    await scene.deliver_ready()
    blob = (await scene.record(accepted)).message.blob
    assert await scene.posthorn[BlobStore].get(blob) == EIGHT_BIT


async def test_a_large_message_is_converted_only_where_there_is_room_for_it() -> None:
    large = EIGHT_BIT + GREETING * 40_000
    outcomes = []
    for in_hand in (3 * len(large), len(large) + 100):
        scene = await make_scene(Settings(bytes_in_hand=in_hand))
        scene.egress.seven_bit.add("mx.example.com")
        for _ in range(2):  # the second finds the room that the first gave back
            (accepted,) = await scene.accept(content=large)
            await scene.deliver_ready()
            record = await scene.record(accepted)
            outcomes.append((record.status, len(scene.egress.received)))
    assert outcomes == [(Status.SENT, 1), (Status.SENT, 2), *[(Status.SOFT_FAIL, 0)] * 2]
    assert record.deliveries[0].output == NO_ROOM


@pytest.mark.parametrize(
    "content",
    [
        b"DKIM-Signature: v=1; d=other.test\r\n" + EIGHT_BIT,
        FIELDS + "Subject: Grüße\r\n\r\n".encode() + b"Hi\r\n",
        FIELDS.replace(b"text/plain; charset=utf-8", b"message/rfc822") + b"\r\n\r\n" + GREETING,
    ],
)
async def test_what_cannot_be_converted_is_returned_and_nothing_is_sent(content: bytes) -> None:
    scene, status, output = await delivered(content, seven_bit=True)
    assert status is Status.HARD_FAIL
    assert output == (
        "554 5.6.3 The receiving server takes no 8-bit content, and the message cannot be converted"
    )
    assert scene.egress.received == []
    other, status, _ = await delivered(content, seven_bit=False)
    assert status is Status.SENT
    assert other.egress.received[0].content.endswith(content)
