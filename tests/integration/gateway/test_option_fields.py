"""How a message is to be sent, as its fields say by SMTP: they act, are taken out of the bytes, and are refused when
they are wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import State
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from tests.gateway_scene import MAIL, running_gateway
from tests.queues import depth

KEY = b"X-Posthorn-Idempotency-Key: order 17\r\n"
DAY = 86_400


async def test_fields_act_and_are_taken_out_by_splicing() -> None:
    async with running_gateway() as gateway:
        at = datetime.fromtimestamp(gateway.scene.clock.now() + 3_600, UTC).isoformat()
        fields = (
            b"x-posthorn-stream: broadcast\r\n"
            b'X-Posthorn-Metadata: {"who":\r\n\t"Gr\xc3\xb6\xc3\x9fe"}\r\n'
            b"X-Odd:   kept \r\n"
            b"X-Posthorn-Track: no\r\n"
            b"X-POSTHORN-UNSUBSCRIBE: No\r\n"
            b"X-Posthorn-Schedule: " + at.encode() + b"\r\n"
        )
        client = await gateway.logged_in()
        said = await client.submit(fields + MAIL, "john@example.com")
        assert said.code == 250
        (message,) = gateway.messages()
        assert (message.stream_name, message.unsubscribe) == ("broadcast", False)
        assert json.loads(message.metadata or "") == {"who": "Größe"}
        assert await gateway.contents() == [b"X-Odd:   kept \r\nX-Posthorn-Track: no\r\n" + MAIL]
        scene = gateway.scene
        record = await scene.posthorn[MessageStore].get(scene.server.id, message.id)
        assert (record.state, record.is_scheduled) == (State.WAITING, True)
        assert depth(scene.posthorn) == 0
        assert await scene.deliver_ready() == 0


@pytest.mark.parametrize(
    "field",
    [
        b"X-Posthorn-Stream: nowhere",
        b"X-Posthorn-Metadata: [1]",
        b"X-Posthorn-Metadata: " + b"{" * 50_000,
        b'X-Posthorn-Metadata: {"a":"\\ud800"}',
        b'X-Posthorn-Metadata: {"a":"1","a":"1"}',
        b'X-Posthorn-Metadata: {"a":{"b":"1"}}',
        b"X-Posthorn-Schedule: soon",
        b"X-Posthorn-Unsubscribe: perhaps",
        b"X-Posthorn-Idempotency-Key: ",
        KEY + b"X-Posthorn-Idempotency-Key: two",
    ],
    ids=lambda field: field[11:30].decode("ascii"),
)
async def test_a_wrong_value_refuses_the_message(field: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        said = await client.submit(field + b"\r\n" + MAIL, "john@example.com")
        assert str(said).startswith("550 5.6.0 The field X-Posthorn-"), said
        assert "codec" not in str(said)
        assert gateway.messages() == []
        assert (await client.submit(MAIL, "john@example.com")).code == 250


async def test_a_key_is_accepted_once_in_a_day() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        first = await client.submit(KEY + MAIL, "john@example.com", "jane@example.net")
        again = await client.submit(
            b"Received: from a relay\r\n" + KEY + MAIL, "john@example.com", "jane@example.net"
        )
        assert (first.code, str(again)) == (250, str(first))
        assert len(gateway.messages()) == 2
        assert await gateway.contents() == [MAIL, MAIL]
        # A client that hands one message on in several transactions loses no recipient.
        other = await client.submit(KEY + MAIL, "joan@example.org")
        assert (other.code, str(other) == str(first)) == (250, False)
        gateway.scene.clock.advance(DAY + 1)
        later = await client.submit(KEY + MAIL, "john@example.com", "jane@example.net")
        assert (later.code, str(later) == str(first)) == (250, False)
        assert len(gateway.messages()) == 5


async def test_a_key_with_other_content_is_refused() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        first = await client.submit(KEY + MAIL, "john@example.com")
        for other in (KEY + MAIL + b"anew\r\n", KEY + b"X-Posthorn-Unsubscribe: yes\r\n" + MAIL):
            said = await client.submit(other, "john@example.com")
            assert str(said) == "550 5.6.0 This idempotency key was used for another message"
        again = await client.submit(KEY + MAIL, "john@example.com")
        assert (first.code, str(again)) == (250, str(first))
        assert len(gateway.messages()) == 1


async def test_a_key_that_another_transaction_has_in_hand_is_for_later() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        posthorn, server = gateway.scene.posthorn, gateway.scene.server.id
        assert (await client.submit(KEY + MAIL, "john@example.com")).code == 250
        (kept,) = await posthorn[IdempotencyKeys].all(server, gateway.scene.clock.now())
        gateway.scene.clock.advance(DAY + 1)
        now = gateway.scene.clock.now()
        await posthorn[IdempotencyKeys].begin(server, kept.key, kept.fingerprint, now)
        said = await client.submit(KEY + MAIL, "john@example.com")
        assert said.code == 451
        gateway.scene.clock.advance(61)
        assert (await client.submit(KEY + MAIL, "john@example.com")).code == 250


async def test_a_message_that_could_not_be_stored_gives_its_key_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    async with running_gateway() as gateway:
        client = await gateway.logged_in()

        async def away(*_: object) -> None:
            raise TemporaryFailure("away")

        with monkeypatch.context() as broken:
            broken.setattr(gateway.scene.posthorn[Intake], "store", away)
            assert (await client.submit(KEY + MAIL, "john@example.com")).code == 451
        assert (await client.submit(KEY + MAIL, "john@example.com")).code == 250
        assert len(gateway.messages()) == 1
