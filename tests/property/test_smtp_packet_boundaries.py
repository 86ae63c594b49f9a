"""However a session is cut into packets, the gateway sees the commands and contents that a plain splitter sees."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import Rejected
from gateway.commands import parse_mail, parse_rcpt
from tests.gateway_scene import RunningGateway, plain, running_gateway

PIECES = [
    b".",
    b"..",
    b"\r\n",
    b"\r\n.",
    b"\r\n..",
    b"a",
    b"line\r\n",
    b".\r\n",
    b"\r\n.a\r\n",
    b"\xff\x01",
]
PROTOCOL = [b"DATA\r\n", b".\r\n", b"BDAT 3\r\n", b"BDAT 2 LAST\r\n", b"RSET\r\n", b"EHLO x\r\n"]
PROTOCOL += [
    b"MAIL FROM:<app@acme.test>\r\n",
    b"RCPT TO:<x@y.test>\r\n",
    b"abc",
    b"\r",
    b"\n",
    b"\0",
]
bodies = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
HEAD = b"From: app@acme.test\r\n\r\n"


def stuffed(content: bytes) -> bytes:
    """Content as it goes over the wire (RFC 5321 section 4.5.2), ending in CRLF."""
    lines = content.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


def reference(stream: bytes) -> list[bytes]:
    """The contents of every DATA in a stream of commands, by the slowest reading of the standard."""
    found, inside, lines = [], False, []
    for line in stream.split(b"\r\n"):
        if inside and line == b".":
            found.append(b"".join(each + b"\r\n" for each in lines))
            inside, lines = False, []
        elif inside:
            lines.append(line[1:] if line.startswith(b".") else line)
        elif line == b"DATA":
            inside = True
    return found


def packets(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream cut at these places."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in itertools.pairwise(places)]


async def serve(gateway: RunningGateway, pieces: list[bytes]) -> bytes:
    client = await gateway.connect()
    for piece in pieces:
        await client.send(piece)
        await asyncio.sleep(0)
    return await client.rest()


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(bodies, min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 10_000), max_size=40),
    chunked=st.booleans(),
)
async def test_any_packets_give_the_same_messages(
    contents: list[bytes], cuts: list[int], chunked: bool
) -> None:
    async with running_gateway() as gateway:
        stream = b"EHLO me.test\r\nAUTH PLAIN " + plain(gateway.key).encode() + b"\r\n"
        whole = [HEAD + content + b"\r\n" for content in contents]
        for content in whole:
            stream += b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<john@example.com>\r\n"
            if chunked:
                half = len(content) // 2
                stream += b"BDAT %d\r\n" % half + content[:half]
                stream += b"BDAT %d LAST\r\n" % (len(content) - half) + content[half:]
            else:
                stream += b"DATA\r\n" + stuffed(content) + b".\r\n"
        stream += b"QUIT\r\n"
        said = await serve(gateway, packets(stream, cuts))
        assert said.endswith(b"221 2.0.0 Closing Connection\r\n")
        assert await gateway.contents() == whole
        if not chunked:
            assert reference(stream) == whole


@settings(max_examples=60, deadline=None)
@given(
    garbage=st.binary(max_size=400)
    | st.lists(
        st.sampled_from(PROTOCOL),
        max_size=40,
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 500), max_size=10),
)
async def test_garbage_never_breaks_the_server(garbage: bytes, cuts: list[int]) -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        try:
            for piece in packets(garbage, cuts):
                await client.send(piece)
            client.writer.write_eof()
            await client.rest()
        except ConnectionError:
            pass
        await gateway.settled()
        assert gateway.events("fault") == []
        assert gateway.site.buffered == 0
        assert gateway.gateway.open.total == 0
        assert (await (await gateway.logged_in()).submit()).code == 250


@given(st.binary(max_size=300))
def test_command_parsers_answer_or_refuse(argument: bytes) -> None:
    for attempt in (argument, b"FROM:" + argument, b"FROM:<" + argument + b">"):
        try:
            assert parse_mail(attempt).address.isprintable()
        except Rejected as refused:
            assert refused.reply.code in {501, 553, 555}
    for attempt in (b"TO:" + argument, b"TO:<" + argument + b">"):
        for smtputf8 in (False, True):
            try:
                assert parse_rcpt(attempt, smtputf8).address.isprintable()
            except Rejected as refused:
                assert refused.reply.code in {501, 553, 555}
