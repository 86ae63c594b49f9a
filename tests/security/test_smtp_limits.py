"""Floods, slow clients and endless input cost bounded memory and end with a clear reply (A16, A17, A18, A22)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chalicelib.services.outgoing.submission import Prepared
from gateway.configuration import Role
from gateway.groupcommit import RECIPIENT_BYTES
from tests.gateway_scene import MAIL, RunningGateway, encoded, plain, running_gateway
from tests.patience import PATIENCE


async def test_auth_waits_for_tls() -> None:
    async with running_gateway(allow_plain_auth=False) as gateway:
        client = await gateway.connect()
        for word in ("EHLO me.test", "HELO me.test"):
            assert "AUTH" not in (await client.say(word)).text
            for mechanism in ("PLAIN " + plain(gateway.key), "LOGIN", "CRAM-MD5"):
                said = await client.say("AUTH " + mechanism)
                assert str(said) == "530 5.7.0 Must issue a STARTTLS command first"


@pytest.mark.parametrize(
    ("steps", "reply"),
    [
        (["AUTH LOGIN", "*"], "501 5.7.0 Authentication cancelled"),
        (["AUTH LOGIN", encoded("me"), "*"], "501 5.7.0 Authentication cancelled"),
        (["AUTH PLAIN", "*"], "501 5.7.0 Authentication cancelled"),
        (["AUTH CRAM-MD5", "*"], "501 5.7.0 Authentication cancelled"),
        (["AUTH PLAIN !!!"], "501 5.5.2 Cannot decode base64"),
        (["AUTH LOGIN", "a=b"], "501 5.5.2 Cannot decode base64"),
        (["AUTH PLAIN " + encoded("key only")], "535 5.7.8 Authenticated failed - protocol error"),
        (["AUTH PLAIN " + encoded("\0a\0b\0c")], "535 5.7.8 Authenticated failed - protocol error"),
        (["AUTH PLAIN ="], "535 5.7.8 Authenticated failed - protocol error"),
        (["AUTH PLAIN " + plain("")], "535 5.7.8 Invalid credential"),
        (["AUTH PLAIN " + plain("x" * 300)], "535 5.7.8 Invalid credential"),
        (["AUTH PLAIN " + plain("wrong\r\n235 2.7.0")], "535 5.7.8 Invalid credential"),
        (["AUTH PLAIN /////w=="], "535 5.7.8 Authenticated failed - protocol error"),
        (["AUTH CRAM-MD5", encoded("nospace")], "535 5.7.8 Authenticated failed - protocol error"),
        (["AUTH CRAM-MD5", encoded("acme/app 00")], "535 5.7.8 Denied"),
        (["AUTH XOAUTH2 x"], "504 5.5.4 Unrecognised authentication type"),
        (["AUTH"], "501 5.5.4 This command needs an argument"),
        (["AUTH PLAIN x y"], "501 5.5.4 This command needs an argument"),
    ],
)
async def test_authentication_that_goes_wrong(steps: list[str], reply: str) -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        for step in steps:
            said = await client.say(step)
        assert str(said) == reply
        assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 235


async def test_api_keys_do_not_open_smtp() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        assert (await client.log_in(gateway.scene.api_key)).code == 535


async def test_guessing_is_slowed_and_cut() -> None:
    async with running_gateway(auth_delay_seconds=0.02) as gateway:
        loop = asyncio.get_running_loop()
        client = await gateway.connect()
        begin = loop.time()
        for _ in range(3):
            said = await client.log_in("guess")
            assert str(said) == "535 5.7.8 Invalid credential"
        assert loop.time() - begin >= 0.02 * (1 + 2 + 3)
        assert await client.rest() == b"421 4.7.0 Too many authentication failures\r\n"
        assert len(gateway.events("auth_failed")) == 3
        assert "guess" not in gateway.log_text


async def test_no_authentication_inside_a_transaction_or_twice() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        await client.say("MAIL FROM:<app@acme.test>")
        assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 503
        await client.say("RSET")
        assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 235
        assert (await client.say("AUTH PLAIN " + plain(gateway.key))).code == 503


@pytest.mark.parametrize("length", [4_095, 5_000, 60_000])
async def test_a_command_line_too_long(length: int) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        said = await client.say(b"NOOP " + b"x" * length)
        assert str(said) == "500 5.5.2 Command line too long"
        assert (await client.submit()).code == 250


async def test_a_command_line_without_end_is_cut() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(b"NOOP " + b"x" * 200_000)
        assert await client.rest() == b"500 5.5.2 Command line too long\r\n"


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP \x00",
        b"\x00",
        b"EHLO caf\xc3\xa9.test",
        b"NO\rOP",
        b"NOOP a\rMAIL FROM:<x@y.test>",
        b"N\xc3\x96OP",
        b"VRFY \xff",
        b"NOOP \x1b[2J",
        b"MAIL FROM:<a\x00b@acme.test>",
        b"",
    ],
    ids=repr,
)
async def test_controls_and_eight_bits_in_commands_are_refused(line: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert str(await client.say(line)) == "500 5.5.2 Invalid command line"
        assert (await client.submit()).code == 250


async def test_eight_bits_that_are_no_utf8_in_an_address() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        said = await client.say(b"MAIL FROM:<a\xff@acme.test> SMTPUTF8")
        assert said.code == 501


async def test_too_many_errors_end_the_session() -> None:
    async with running_gateway(max_errors=5) as gateway:
        client = await gateway.connect()
        await client.send(b"BOGUS\r\n" * 50)
        rest = (await client.rest()).split(b"\r\n")
        assert rest[:5] == [b"502 5.5.1 Invalid/unsupported command"] * 5
        assert rest[5:] == [b"421 4.7.0 Too many errors", b""]


async def test_endless_commands_without_a_message_end_the_session() -> None:
    async with running_gateway(max_idle_commands=20) as gateway:
        client = await gateway.logged_in()
        for _ in range(3):
            for _ in range(10):
                assert (await client.say("NOOP")).code == 250
            assert (await client.submit()).code == 250
        await client.send(b"NOOP\r\n" * 40)
        assert (await client.rest()).endswith(b"421 4.7.0 Too many commands without a message\r\n")


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"CONNECT a:25 HTTP/1.0"])
async def test_a_web_client_is_shown_the_door(line: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(line + b"\r\nHost: a\r\n\r\nMAIL FROM:<x@y.test>\r\n")
        assert (await client.rest()).count(b"\r\n") == 1


async def test_recipients_are_limited() -> None:
    async with running_gateway(recipients=3) as gateway:
        client = await gateway.logged_in()
        assert (await client.envelope("a@x.test", "b@x.test", "c@x.test")).code == 250
        said = await client.say("RCPT TO:<d@x.test>")
        assert str(said) == "452 4.5.3 Too many recipients"
        assert (await client.data()).code == 250
        assert len(gateway.messages()) == 3


async def test_size_is_checked_when_declared_and_when_counted() -> None:
    async with running_gateway(largest=2_097_152) as gateway:
        client = await gateway.logged_in()
        text = "552 5.3.4 Message too large (maximum size 2MB)"
        assert str(await client.say("MAIL FROM:<app@acme.test> SIZE=2097153")) == text
        assert (await client.say("MAIL FROM:<app@acme.test> SIZE=2097152")).code == 250
        await client.say("RSET")
        for over in (1, 1_000_000, 3_000_000):
            body = MAIL + b"x" * 78 + b"\r\n"
            body += b"y" * (2_097_152 + over - len(body) - 2) + b"\r\n"
            assert str(await client.submit(body)) == text
        exact = MAIL + b"z" * (2_097_152 - len(MAIL) - 2) + b"\r\n"
        assert (await client.submit(exact)).code == 250
        assert gateway.site.buffered == 0
        assert len(gateway.messages()) == 1


async def test_dots_alone_may_fill_the_limit() -> None:
    async with running_gateway(largest=60_000) as gateway:
        client = await gateway.logged_in()
        content = MAIL + b".\r\n" * 19_000
        assert (await client.submit(content)).code == 250
        assert await gateway.contents() == [content]


async def test_content_without_end_is_cut_in_bounded_memory() -> None:
    async with running_gateway(largest=50_000) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.say("DATA")
        with pytest.raises(ConnectionError):
            for _ in range(200):
                await client.send(b"x" * 65_536)
                assert gateway.site.buffered < 1_000_000
                await asyncio.sleep(0)
            raise ConnectionError
        await gateway.settled()
        assert gateway.messages() == []


async def held(gateway: RunningGateway, least: int) -> None:
    """Wait until the gateway holds at least so many bytes."""
    async with asyncio.timeout(PATIENCE):
        while gateway.site.buffered < least:
            await asyncio.sleep(0.005)


async def dropped(gateway: RunningGateway, most: int) -> None:
    """Wait until the gateway holds at most so many bytes."""
    async with asyncio.timeout(PATIENCE):
        while gateway.site.buffered > most:
            await asyncio.sleep(0.005)


async def test_all_sessions_together_are_bounded() -> None:
    async with running_gateway(max_buffered=150_000) as gateway:
        hog, other = await gateway.logged_in(), await gateway.logged_in()
        for client in (hog, other):
            await client.envelope()
        await hog.say("DATA")
        await hog.send(MAIL + b"x" * 120_000)
        await held(gateway, 120_000 + 2 * RECIPIENT_BYTES)
        await hog.send(b"y" * 10_000)
        await dropped(gateway, 30_000)
        await hog.send(b"\r\n.\r\n")
        assert (await hog.reply()).code == 452
        assert (await other.data()).code == 250
        assert gateway.site.buffered == 0
        outcomes = [(entry["outcome"], entry["code"]) for entry in gateway.events("transaction")]
        assert outcomes == [("refused", 452), ("accepted", 250)]


@pytest.mark.parametrize("last", [b" LAST", b""])
async def test_all_sessions_together_are_bounded_when_they_send_chunks(last: bytes) -> None:
    async with running_gateway(max_buffered=150_000) as gateway:
        hog, other = await gateway.logged_in(), await gateway.logged_in()
        for client in (hog, other):
            await client.envelope()
        await hog.send(b"BDAT 500000" + last + b"\r\n" + b"x" * 120_000)
        await held(gateway, 120_000 + 2 * RECIPIENT_BYTES)
        await hog.send(b"y" * 10_000)
        await dropped(gateway, 30_000)
        await hog.send(b"z" * 370_000)
        assert str(await hog.reply()) == "452 4.3.1 Too much mail in progress, try again later"
        if not last:
            await hog.send(b"BDAT 4 LAST\r\nabcd")
            assert str(await hog.reply()) == "503 5.5.1 An earlier chunk was refused, send RSET"
        assert (await other.data()).code == 250
        assert gateway.site.buffered == 0
        assert (await hog.submit()).code == 250
        assert len(gateway.messages()) == 2


async def test_chunks_of_a_transaction_that_ends_are_let_go() -> None:
    async with running_gateway() as gateway:
        for ending in (b"RSET\r\n", b"EHLO me.test\r\n", b"QUIT\r\n"):
            client = await gateway.logged_in()
            await client.envelope()
            await client.send(b"BDAT 50000\r\n" + b"x" * 50_000)
            assert (await client.reply()).code == 250
            assert gateway.site.buffered >= 50_000
            await client.send(ending)
            await client.reply()
            await dropped(gateway, 0)


async def test_recipients_are_counted_as_memory() -> None:
    async with running_gateway(max_buffered=5 * RECIPIENT_BYTES, recipients=100) as gateway:
        hog, other = await gateway.logged_in(), await gateway.logged_in()
        assert (await hog.envelope(*(f"r{n}@x.test" for n in range(6)))).code == 250
        assert (await other.envelope("john@example.com")).code == 452
        await hog.say("RSET")
        assert (await other.submit()).code == 250
        assert gateway.site.buffered == 0


async def test_content_counts_until_it_is_stored_though_its_client_is_gone() -> None:
    async with running_gateway() as gateway:
        gate = asyncio.Event()
        store = gateway.site.committer._store

        async def later(batch: Sequence[Prepared]) -> None:
            await gate.wait()
            await store(batch)

        gateway.site.committer._store = later
        client = await gateway.logged_in(Role.SUBMISSIONS)  # TLS cannot close by half
        try:
            await client.envelope()
            await client.say("DATA")
            await client.send(MAIL + b"x" * 90_000 + b"\r\n.\r\n")
            async with asyncio.timeout(PATIENCE):
                while not gateway.site.committer.held:
                    await asyncio.sleep(0.005)
            client.writer.transport.abort()
            await gateway.settled()
            assert gateway.site.buffered >= 90_000
        finally:
            gate.set()
        await dropped(gateway, 0)
        assert len(gateway.messages()) == 1


async def test_connections_of_one_client_are_limited() -> None:
    async with running_gateway(max_connections_per_client=2) as gateway:
        first = await gateway.connect()
        await gateway.connect()
        third = await gateway.connect(greet=False)
        assert await third.rest() == b"421 4.7.0 Too many connections, try again later\r\n"
        assert gateway.events("connection_refused")[0]["reason"] == "client"
        assert "127.0.0.1" not in gateway.log_text
        await first.say("QUIT")
        async with asyncio.timeout(PATIENCE):
            while gateway.gateway.open.total > 1:
                await asyncio.sleep(0.005)
        await gateway.connect()


async def test_connections_in_all_are_limited() -> None:
    async with running_gateway(max_connections=1) as gateway:
        await gateway.connect()
        refused = await gateway.connect(Role.MX, greet=False)
        assert (await refused.rest()).startswith(b"421 4.7.0 ")
        assert gateway.events("connection_refused")[0]["reason"] == "total"
        gateway.hang_up()
        await gateway.settled()
        await gateway.connect()


async def test_an_idle_client_is_told_and_cut() -> None:
    async with running_gateway(command_seconds=0.1) as gateway:
        client = await gateway.connect()
        assert await client.rest() == b"421 4.4.2 Timed out waiting for the client\r\n"


async def test_single_bytes_do_not_keep_a_command_alive() -> None:
    async with running_gateway(command_seconds=0.3) as gateway:
        client = await gateway.connect()
        received = b""
        for _ in range(200):
            client.writer.write(b"x")
            await asyncio.sleep(0.01)
            if client.reader._buffer or client.reader.at_eof():
                received = await client.reader.read()
                break
        assert received.startswith(b"421 4.4.2 ")


async def test_a_trickle_of_content_ends_with_the_transaction_time() -> None:
    async with running_gateway(data_seconds=PATIENCE, transaction_seconds=2.0) as gateway:
        client = await gateway.logged_in()
        await client.envelope()
        await client.say("DATA")
        received = b""
        for _ in range(2_000):
            client.writer.write(b"x")
            await asyncio.sleep(0.01)
            if client.reader._buffer or client.reader.at_eof():
                received = await client.reader.read()
                break
        assert received.startswith(b"421 4.4.2 ")
        await gateway.settled()
        assert gateway.messages() == []


async def test_a_client_that_never_authenticates_does_not_stay() -> None:
    async with running_gateway(anonymous_seconds=0.3) as gateway:
        client = await gateway.connect()
        with pytest.raises(ConnectionError):
            for _ in range(100):
                said = await client.say("NOOP")
                if said.code == 421:
                    raise ConnectionError
                await asyncio.sleep(0.01)


async def test_a_client_that_does_not_read_is_held_back() -> None:
    async with running_gateway(command_seconds=1.0, max_idle_commands=10**9) as gateway:
        client = await gateway.connect()
        flood = b"HELP\r\n" * 10_000
        sent = 0
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    client.writer.write(flood)
                    await client.writer.drain()
                    sent += len(flood)
        except (TimeoutError, ConnectionError):
            pass
        assert sent < 200_000_000
        await gateway.settled()


@pytest.mark.parametrize("role", [Role.SUBMISSION, Role.SUBMISSIONS])
@pytest.mark.parametrize("command", [b"DATA\r\n", b"BDAT 900000 LAST\r\n"])
async def test_content_of_a_client_that_does_not_read_does_not_gather(
    role: Role, command: bytes
) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in(role)
        await client.envelope()
        protocol = next(iter(gateway.gateway._connections))
        protocol.pause_writing()  # as the transport says when replies stay unread
        content = MAIL + b"x" * (900_000 - len(MAIL) - 2) + b"\r\n"
        await client.send(command)
        sending = asyncio.ensure_future(
            client.send(content + b".\r\n" * command.startswith(b"DATA"))
        )
        async with asyncio.timeout(PATIENCE):
            while not protocol._held:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert len(protocol.buffer) < 600_000
        protocol.resume_writing()
        await sending
        if command.startswith(b"DATA"):
            assert (await client.reply()).code == 354
        assert (await client.reply()).code == 250
        assert await gateway.contents() == [content]


async def test_commands_sent_during_a_commit_do_not_gather() -> None:
    async with running_gateway() as gateway:
        gate = asyncio.Event()
        store = gateway.site.committer._store

        async def later(batch: Sequence[Prepared]) -> None:
            await gate.wait()
            await store(batch)

        gateway.site.committer._store = later
        client = await gateway.logged_in()
        protocol = next(iter(gateway.gateway._connections))
        try:
            await client.envelope()
            await client.say("DATA")
            await client.send(MAIL + b"x" * 900_000 + b"\r\n.\r\n")
            async with asyncio.timeout(PATIENCE):
                while not gateway.site.committer.held:
                    await asyncio.sleep(0.005)
            flood = asyncio.ensure_future(client.send(b"NOOP\r\n" * 1_000_000))
            async with asyncio.timeout(PATIENCE):
                while not protocol._held:
                    await asyncio.sleep(0.005)
            assert len(protocol.buffer) < 600_000
        finally:
            gate.set()
        assert (await client.reply()).code == 250
        flood.cancel()


async def test_proxy_headers_from_elsewhere_are_refused() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(b"PROXY TCP4 198.51.100.1 192.0.2.1 1 25\r\nEHLO me.test\r\n")
        assert await client.rest() == b"502 5.5.1 Proxy Error\r\n"
        client = await gateway.connect()
        await client.send(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12))
        assert b"250" not in await client.rest()


async def test_reading_content_is_linear() -> None:
    async with running_gateway(largest=50_000_000) as gateway:
        client = await gateway.logged_in()

        async def submit(size: int) -> float:
            body = MAIL + (b"\r\n.." * (size // 4)) + b"\r\n"
            begin = asyncio.get_running_loop().time()
            await client.envelope()
            await client.say("DATA")
            await client.send(body + b".\r\n")
            assert (await client.reply()).code == 250
            return asyncio.get_running_loop().time() - begin

        await submit(10_000)
        small = min([await submit(1_000_000) for _ in range(3)])
        large = min([await submit(4_000_000) for _ in range(3)])
        assert large < 16 * small
