"""Clients are told of outgoing mail that failed, if they asked for that, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.model import Message, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.reply import Reply
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient
from tests.worlds import Scene, make_scene, publish

REFUSED = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")


async def failed(
    scene: Scene, dsn: DsnParameters | None, mail_from: str = "app@acme.test"
) -> Message:
    """An outgoing message that was refused for good."""
    publish(scene.posthorn, "acme.test")
    scene.egress.always("@example.com", REFUSED)
    given = replace(
        scene.submission(), mail_from=mail_from, recipients=(Recipient("john@example.com", dsn),)
    )
    (message,) = await scene.posthorn[AcceptMail].submit(given)
    await scene.deliver_ready()
    last = (await scene.record(message)).deliveries[-1]
    assert last.status is Status.HARD_FAIL
    assert "bounce" not in last.details
    return message


async def test_who_asked_is_told_by_a_report() -> None:
    scene = await make_scene()
    message = await failed(scene, DsnParameters("FAILURE", "rfc822;john@example.com", "HDRS", "Q"))
    await scene.deliver_ready()
    got = scene.egress.received[-1]
    assert (got.envelope.mail_from, got.envelope.rcpt_to) == ("", "app@acme.test")
    known = await scene.posthorn[MessageStore].get(scene.server.id, MessageId(message.id + 1))
    assert (known.message.bounce, known.message.reports_on) == (True, message.id)
    assert known.message.mail_from == "postmaster@acme.test"
    content = await scene.posthorn[BlobStore].get(known.message.blob)
    for line in (
        b"Original-Envelope-Id: Q",
        b"Final-Recipient: rfc822; john@example.com",
        b"Status: 5.1.1",
        b"Remote-MTA: dns; mx.example.com",
        b"Diagnostic-Code: smtp; 550 5.1.1 No such user",
        b"Content-Type: text/rfc822-headers",
    ):
        assert line + b"\r\n" in content


@pytest.mark.parametrize(
    ("dsn", "mail_from"),
    [
        (None, "app@acme.test"),
        (DsnParameters("NEVER"), "app@acme.test"),
        (DsnParameters("DELAY,SUCCESS"), "app@acme.test"),
        (DsnParameters(ret="FULL"), "app@acme.test"),
        (DsnParameters("FAILURE"), ""),
    ],
)
async def test_nobody_else_is(dsn: DsnParameters | None, mail_from: str) -> None:
    scene = await make_scene()
    await failed(scene, dsn, mail_from)
    assert await scene.deliver_ready() == 0
