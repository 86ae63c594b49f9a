"""Every command counts, whatever is answered; refused recipients of a known client cost no good ones (A17)."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from gateway.configuration import Role
from tests.gateway_scene import MAIL, Client, RunningGateway, running_gateway

TOO_MANY = "421 4.7.0 Too many commands without a message"


async def by_key(gateway: RunningGateway) -> Client:
    return await gateway.logged_in()


async def by_address(gateway: RunningGateway) -> Client:
    credentials, server = gateway.scene.posthorn[Credentials], gateway.scene.server
    options = CredentialOptions(network="127.0.0.0/8")
    await credentials.create(server, CredentialKind.SMTP_IP, "here", options)
    client = await gateway.connect(Role.MX)
    await client.say("EHLO me.test")
    return client


KNOWN = pytest.mark.parametrize("known", [by_key, by_address])


@KNOWN
@pytest.mark.parametrize(
    "refused",
    [
        b"RCPT TO:<not an address>",
        b"RCPT TO:<>",
        b"RCPT TO:<a@b.test> SIZE=1",
        b"RCPT TO:<a\x01@b.test>",
        b"rcpt to:<@relay.test:a@b.test>",
    ],
)
async def test_a_good_recipient_among_refused_ones_gets_its_mail(
    known: object, refused: bytes
) -> None:
    async with running_gateway() as gateway:
        client = await known(gateway)  # type: ignore[operator]  # one of the two above
        await client.say("MAIL FROM:<app@acme.test>")
        for _ in range(15):
            assert (await client.say(refused)).code in range(500, 556)
        assert (await client.say("RCPT TO:<john@example.com>")).code == 250
        for _ in range(10):
            assert (await client.say(refused)).code in range(500, 556)
        assert (await client.data()).code == 250
        assert [message.rcpt_to for message in gateway.messages()] == ["john@example.com"]


@KNOWN
async def test_transactions_of_refused_recipients_do_not_cut_those_behind_them(
    known: object,
) -> None:
    async with running_gateway() as gateway:
        client = await known(gateway)  # type: ignore[operator]  # one of the two above
        for _ in range(25):
            await client.say("MAIL FROM:<app@acme.test>")
            await client.say("RCPT TO:<nobody>")
            assert (await client.say("DATA")).code == 554
            await client.say("RSET")
        assert (await client.submit()).code == 250


async def test_a_strangers_refused_recipients_still_cut_its_session() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        await client.say("MAIL FROM:<app@acme.test>")
        await client.send(b"RCPT TO:<john@example.com>\r\n" * 30)
        rest = await client.rest()
        assert rest.count(b"530 5.7.0 ") == 20
        assert rest.endswith(b"421 4.7.0 Too many errors\r\n")


async def test_errors_before_a_message_do_not_count_after_it() -> None:
    async with running_gateway(max_errors=5) as gateway:
        client = await gateway.logged_in()
        for _ in range(4):
            for _ in range(4):
                assert (await client.say("NONSENSE")).code == 502
            assert (await client.submit()).code == 250


async def test_chunks_behind_a_refused_one_do_not_cut_the_session() -> None:
    async with running_gateway(largest=1_000) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.send(b"BDAT 2000\r\n" + b"x" * 2_000 + b"BDAT 5\r\nabcde" * 30)
        assert (await client.reply()).code == 552
        for _ in range(30):
            assert (await client.reply()).code == 503
        await client.say("RSET")
        assert (await client.submit()).code == 250


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"BDAT 0\r\n", b"250 2.0.0 0 octets received\r\n"),
        (b"BDAT 1\r\nx", b"250 2.0.0 1 octets received\r\n"),
        (b"RCPT TO:<c@x.test>\r\n", b"452 4.5.3 Too many recipients\r\n"),
        (b"RCPT TO:<nonsense>\r\n", b"501 5.1.3 Invalid RCPT TO\r\n"),
        (b"RCPT TO:<a\x01@x.test>\r\n", b"500 5.5.2 Invalid command line\r\n"),
        (b"NOOP\r\n", b"250 2.0.0 OK\r\n"),
        (b"HELP\r\n", b"214-2.0.0 EHLO HELO"),
    ],
    ids=repr,
)
async def test_no_command_is_answered_without_end(line: bytes, reply: bytes) -> None:
    async with running_gateway(max_idle_commands=50, recipients=2) as gateway:
        client = await gateway.logged_in()
        assert (await client.envelope("a@x.test", "b@x.test")).code == 250
        await client.send(line * 500)
        rest = await client.rest()
        assert rest.startswith(reply)
        assert rest.endswith(TOO_MANY.encode() + b"\r\n")
        assert rest.count(reply[:10]) < 55
        await gateway.settled()
        assert gateway.site.buffered == 0


async def test_transactions_that_are_given_up_count_too() -> None:
    async with running_gateway(max_idle_commands=50, recipients=10) as gateway:
        client = await gateway.logged_in()
        one = b"MAIL FROM:<app@acme.test>\r\n" + b"RCPT TO:<a@x.test>\r\n" * 10 + b"RSET\r\n"
        await client.send(one * 100)
        rest = await client.rest()
        assert rest.endswith(TOO_MANY.encode() + b"\r\n")
        assert rest.count(b"\r\n") < 65


async def test_a_large_message_may_have_any_number_of_chunks() -> None:
    async with running_gateway(max_idle_commands=5, recipients=2) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        content = MAIL + b"x" * 60_000 + b"\r\n"
        pieces = [content[at : at + 200] for at in range(0, len(content), 200)]
        await client.send(b"".join(b"BDAT %d\r\n%b" % (len(piece), piece) for piece in pieces))
        for piece in pieces:
            assert str(await client.reply()) == f"250 2.0.0 {len(piece)} octets received"
        assert (await client.say("BDAT 0 LAST")).code == 250
        assert await gateway.contents() == [content]


async def test_replies_that_are_not_read_do_not_gather() -> None:
    async with running_gateway(max_idle_commands=10**9) as gateway:
        client = await gateway.logged_in()
        sent = 0
        protocol = next(iter(gateway.gateway._connections))
        try:
            async with asyncio.timeout(3):
                while sent < 50_000_000:
                    await client.send(b"HELP\r\n" * 5_000)
                    sent += 30_000
                    assert len(protocol._out) <= 100
                    assert protocol._stream.get_write_buffer_size() < 200_000
        except TimeoutError:
            pass
        assert sent < 50_000_000
