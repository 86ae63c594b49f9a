"""What SMTP makes of odd bytes: changed in few and told ways, refused, or stored and sent as they are."""

from __future__ import annotations

import pytest

from tests.gateway_scene import NORMALISING, running_gateway
from tests.odd_mail import HEADER, MENDED, REFUSED, UNTOUCHED


@pytest.mark.parametrize("name", MENDED)
async def test_what_others_would_misread_is_mended(name: str) -> None:
    given, wanted = MENDED[name]
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await client.submit(given)).code == 250
        assert await gateway.contents() == [wanted]
        await gateway.scene.deliver_ready()
        (received,) = gateway.scene.egress.received
        assert received.content.endswith(wanted)
        assert received.content.lower().count(b"\r\nmessage-id:") == 1
        assert received.content.lower().count(b"\r\ndate:") == 1


@pytest.mark.parametrize("name", UNTOUCHED)
async def test_everything_else_is_stored_and_sent_byte_for_byte(name: str) -> None:
    given = UNTOUCHED[name]
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.send(b"BDAT %d LAST\r\n" % len(given) + given)
        assert (await client.reply()).code == 250
        assert await gateway.contents() == [given]
        await gateway.scene.deliver_ready()
        (received,) = gateway.scene.egress.received
        assert received.content.endswith(given)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_mended_is_refused(name: str) -> None:
    given, reply = REFUSED[name]
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        said = await client.submit(given)
        assert str(said).startswith(reply)
        assert gateway.messages() == []
        assert (await client.submit()).code == 250


async def test_blind_copies_are_not_shown_to_anyone() -> None:
    given = (
        b"Bcc: secret@example.com,\r\n other@example.com\r\n"
        + HEADER
        + b"Resent-Bcc: third@example.com\r\nReturn-Path: <app@acme.test>\r\n\r\nBcc: said in the text\r\n"
    )
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await client.submit(given, "john@example.com", "secret@example.com")).code == 250
        kept = HEADER + b"Return-Path: <app@acme.test>\r\n\r\nBcc: said in the text\r\n"
        assert await gateway.contents() == [kept] * 2
        await gateway.scene.deliver_ready()
        received = gateway.scene.egress.received
        assert {mail.envelope.rcpt_to for mail in received} == {
            "john@example.com",
            "secret@example.com",
        }
        assert all(b"third@" not in m.content and b"other@" not in m.content for m in received)


async def test_a_credential_that_normalises_takes_nuls_out_and_doubled_returns_together() -> None:
    async with running_gateway(credential=NORMALISING) as gateway:
        client = await gateway.logged_in()
        given = (HEADER + b"\r\nHi\0 John\r\n").replace(b"\r\n", b"\r\r\n") + b"\r\n"
        assert (await client.submit(given)).code == 250
        assert await gateway.contents() == [HEADER + b"\r\nHi John\r\n\r\n"]


async def test_the_size_is_that_of_what_is_stored() -> None:
    largest = 20_000
    async with running_gateway(credential=NORMALISING, largest=largest) as gateway:
        client = await gateway.logged_in()
        lines = (largest - len(HEADER) - 4) // 2
        fits, grows = (HEADER + b"\r\n" + b"\n" * some + b"\r\n" for some in (lines, lines + 1))
        assert (await client.submit(fits)).code == 250
        assert str(await client.submit(grows)).startswith("552 5.3.4")
        named = b"From me\r\n" + HEADER + b"\r\n"
        named += b"x" * (largest - len(named) - 2) + b"\r\n"
        assert str(await client.submit(named)).startswith("552 5.3.4")
        assert len(gateway.messages()) == 1
