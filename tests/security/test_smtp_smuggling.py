"""Content ends at CRLF.CRLF alone (A12), BDAT counts cannot be gamed (A13), STARTTLS drops what came before (A14)."""

from __future__ import annotations

import pytest

from chalicelib.ports.blobs import BlobStore
from tests.gateway_scene import MAIL, NORMALISING, Client, plain, running_gateway, trusting_context

SMUGGLED = (
    b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\n"
    b"From: App <app@acme.test>\r\n\r\nsmuggled\r\n"
)
FALSE_ENDS = [
    b"\n.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\r\n.\n",
    b"\r\n\n.\n\r\n",
    b"\n\r.\r\n",
    b"\r\n. \r\n",
]


@pytest.mark.parametrize("normalise", [False, True], ids=["refuse", "normalise"])
@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
async def test_a_false_end_of_data_never_yields_a_second_message(
    end: bytes, normalise: bool
) -> None:
    credential = NORMALISING if normalise else None
    async with running_gateway(credential=credential) as gateway:
        client = await gateway.logged_in()
        await client.envelope("first@example.com")
        assert (await client.say("DATA")).code == 354
        await client.send(MAIL + b"before" + end + SMUGGLED + b".\r\n")
        said = await client.reply()
        assert (await client.say("NOOP")).code == 250, "the session has lost its place"
        recipients = [message.rcpt_to for message in gateway.messages()]
        odd = end.replace(b"\r\n", b"").translate(None, b". ")
        if odd and not normalise:
            assert (said.code, said.text[:5]) == (554, "5.6.0")
            assert ("NUL" if b"\0" in odd else "CRLF") in said.text
            assert recipients == []
        else:
            assert said.code == 250
            assert recipients == ["first@example.com"]
            content = (await gateway.contents())[0]
            assert content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")
            assert b"\0" not in content
            assert b"RCPT TO:<victim@example.com>" in content


async def test_normalised_content_cannot_end_early_at_the_next_hop() -> None:
    async with running_gateway(credential=NORMALISING) as gateway:
        client = await gateway.logged_in()
        assert (await client.submit(MAIL + b"a\n.\nMAIL FROM:<x@y.test>\r\n")).code == 250
        assert (await gateway.contents())[0].endswith(b"a\r\n.\r\nMAIL FROM:<x@y.test>\r\n")


async def test_what_follows_a_true_end_is_a_command_again() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.send(b"DATA\r\n" + MAIL + b"\r\n.\r\nNOOP\r\n.\r\n")
        assert [(await client.reply()).code for _ in range(4)] == [354, 250, 250, 502]


async def test_content_sent_after_a_refused_data_is_not_taken_for_commands() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.say("MAIL FROM:<app@acme.test>")
        await client.send(b"DATA\r\nFrom: x\r\nRSET\r\n" + SMUGGLED + b".\r\n")
        rest = await client.rest()
        assert rest.startswith(b"554 5.5.1 No valid recipients\r\n")
        assert rest.count(b"\r\n") == 1
        assert gateway.messages() == []


async def test_commands_sent_before_the_handshake_are_dropped() -> None:
    async with running_gateway(allow_plain_auth=False) as gateway:
        client = await gateway.connect()
        await client.say("EHLO evil.test")
        injected = b"STARTTLS\r\nEHLO injected.test\r\nNOOP\r\n"
        await client.send(injected)
        assert (await client.reply()).code == 220
        await client.writer.start_tls(trusting_context())
        assert str(await client.say("MAIL FROM:<app@acme.test>")).startswith("503 5.5.1")
        assert (await client.say("EHLO me.test")).code == 250
        assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 235
        assert (await client.submit()).code == 250
        stored = await gateway.scene.posthorn[BlobStore].get(gateway.messages()[0].blob)
        assert b"injected.test" not in stored


async def test_starttls_forgets_authentication_and_transaction() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.start_tls()
        assert (await client.say("DATA")).code == 503
        await client.say("EHLO me.test")
        assert (await client.envelope()).text == "5.7.0 Authentication required"
        assert (await client.say("STARTTLS")).code == 503


async def bdat(client: Client, content: bytes, word: bytes = b"") -> str:
    await client.send(b"BDAT %d%b\r\n" % (len(content), word) + content)
    return str(await client.reply())


async def test_chunks_make_one_message_with_dots_and_all() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        content = MAIL + b"\r\n.\r\n..\r\nMAIL FROM:<>\r\n"
        for cut in (1, 20, len(content) - 4, len(content)):
            await client.envelope()
            first = await bdat(client, content[:cut])
            assert first == f"250 2.0.0 {cut} octets received"
            assert (await bdat(client, content[cut:], b" LAST")).startswith("250 2.0.0 OK queued")
        assert await gateway.contents() == [content] * 4
        assert gateway.site.buffered == 0


async def test_bare_newlines_in_chunks_are_refused() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        assert (await bdat(client, MAIL + b"a\r")).startswith("250")
        assert (await bdat(client, b"b\r\n", b" LAST")).startswith("554 5.6.0")
        await client.envelope()
        assert (await bdat(client, MAIL + b"a\r")).startswith("250")
        assert (await bdat(client, b"\nb\r\n", b" LAST")).startswith("250")
        assert len(gateway.messages()) == 1


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"LAST",
        b"-1",
        b"+5",
        b"0x10",
        b"5 5",
        b"5 LAST LAST",
        b"5 last x",
        b"1e3",
        b"5,",
        b"9" * 13,
    ],
    ids=repr,
)
async def test_a_size_that_cannot_be_read_ends_the_session(argument: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.send(b"BDAT " + argument + b"\r\n" + SMUGGLED)
        rest = await client.rest()
        assert rest.startswith(b"501 5.5.4 ")
        assert rest.count(b"\r\n") == 1
        assert gateway.messages() == []


async def test_a_chunk_over_the_limit_is_read_to_its_end_and_refused() -> None:
    async with running_gateway(largest=10_000) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        assert (await bdat(client, b"x" * 6_000)).startswith("250")
        assert (await bdat(client, SMUGGLED * 100)).startswith("552 5.3.4")
        assert (await bdat(client, b"more")).startswith("503 5.5.1")
        assert (await bdat(client, MAIL, b" LAST")).startswith("503 5.5.1")
        assert (await client.submit()).code == 250, "LAST has ended the transaction"
        await client.envelope()
        await client.send(b"BDAT 99999999 LAST\r\n")
        assert (await client.rest()).startswith(b"552 5.3.4 ")
        assert len(gateway.messages()) == 1


async def test_data_and_chunks_do_not_mix() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await bdat(client, b"From: app@acme.test\r\n")
        assert str(await client.say("DATA")).startswith("503 5.5.1")
        assert str(await client.say("RCPT TO:<late@example.com>")).startswith("503 5.5.1")
        assert (await client.say("RSET")).code == 250
        assert (await bdat(client, MAIL, b" LAST")).startswith("503 5.5.1")
        assert (await client.submit()).code == 250
        assert (await bdat(client, SMUGGLED, b" LAST")).startswith("503 5.5.1"), "LAST twice"
        assert len(gateway.messages()) == 1


async def test_an_empty_last_chunk_completes_the_message() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        assert (await bdat(client, MAIL)).startswith("250 2.0.0 ")
        assert (await bdat(client, b"", b" last")).startswith("250 2.0.0 OK queued as ")
        assert await gateway.contents() == [MAIL]


async def test_chunks_without_recipients_are_swallowed() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await bdat(client, b"QUIT\r\n")).startswith("503 5.5.1")
        await client.say("MAIL FROM:<app@acme.test>")
        assert (await bdat(client, b"QUIT\r\n", b" LAST")).startswith("554 5.5.1")
        assert (await client.say("NOOP")).code == 250
