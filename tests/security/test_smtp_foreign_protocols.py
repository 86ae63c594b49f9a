"""A client of another protocol is cut at its first line, so that a page's text never becomes mail (A14, A38)."""

from __future__ import annotations

import ssl

import pytest

from gateway.configuration import Role
from tests.gateway_scene import Client, RunningGateway, plain, running_gateway

REFUSED = b"502 5.5.1 Invalid/unsupported command\r\n"
TOO_LONG = b"500 5.5.2 Command line too long\r\n"
REQUESTS = [
    b"POST / HTTP/1.1\r\n",
    b"GET / HTTP/1.0\r\n",
    b"get / http/1.1\r\n",
    b"PUT /x HTTP/1.1\n",
    b"PATCH /x HTTP/1.1\r\n",
    b"BREW /pot HTTP/1.1\r\n",
    b"M-SEARCH * HTTP/1.1\r\n",
    b"MAIL / HTTP/1.1\r\n",
    b"EHLO / HTTP/1.1\r\n",
    b"POST\t/\tHTTP/1.1\r\n",
    b"POST /\xc3\xa4 HTTP/1.1\r\n",
    b"POST /\x01 HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n",
    b"GET /\r\n",
    b"DELETE /\r\n",
    b"Host: 127.0.0.1:2525\r\n",
]


def page(gateway: RunningGateway) -> bytes:
    """What a page's form of text/plain would send behind the first line: a header, then a whole session."""
    body = (
        b"EHLO page.test\r\nAUTH PLAIN " + plain(gateway.key).encode() + b"\r\n"
        b"MAIL FROM:<app@acme.test>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\n"
        b"From: app@acme.test\r\n\r\nBy a page\r\n.\r\nQUIT\r\n"
    )
    head = b"Host: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


async def cut(
    gateway: RunningGateway, client: Client, first: bytes, reply: bytes = REFUSED
) -> None:
    await client.send(first + page(gateway))
    assert await client.rest() == reply
    assert gateway.messages() == []


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("first", REQUESTS, ids=repr)
async def test_a_request_of_http_is_cut_at_its_first_line(role: Role, first: bytes) -> None:
    async with running_gateway() as gateway:
        await cut(gateway, await gateway.connect(role), first)


@pytest.mark.parametrize("role", list(Role))
async def test_a_first_line_too_long_to_be_read_is_cut_as_well(role: Role) -> None:
    async with running_gateway() as gateway:
        first = b"POST /" + b"x" * 5_000 + b" HTTP/1.1\r\n"
        await cut(gateway, await gateway.connect(role), first, TOO_LONG)


@pytest.mark.parametrize("before", [b"\r\n", b"NOOP\r\n", b"NONSENSE\r\n"])
async def test_a_line_in_front_changes_nothing(before: bytes) -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(before + b"POST / HTTP/1.1\r\n" + page(gateway))
        assert (await client.rest()).endswith(b"\r\n" + REFUSED)
        assert gateway.messages() == []


async def test_the_first_line_of_tls_is_a_first_line_again() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.say("EHLO me.test")
        await client.start_tls()
        await cut(gateway, client, b"POST / HTTP/1.1\r\n")


async def test_a_body_in_a_packet_of_its_own_is_not_read() -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await client.send(b"POST / HTTP/1.1\r\n")
        assert await client.reader.readline() == REFUSED
        await client.send(page(gateway))
        assert await client.is_left()
        assert gateway.messages() == []


@pytest.mark.parametrize("role", [Role.MX, Role.SUBMISSION])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_tls_on_a_port_that_begins_in_the_clear_is_cut(role: Role, pieces: int) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="mail.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read().replace(b"\n", b"-")  # no line end, for which the gateway would wait
    async with running_gateway() as gateway:
        client = await gateway.connect(role)
        for at in range(pieces):
            await client.send(hello[at : at + 1] if at + 1 < pieces else hello[at:])
        assert await client.rest() == REFUSED


async def test_words_that_merely_look_alike_are_served() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        assert (await client.say("NOOP HTTP/1.1")).code == 250
        assert (await client.submit(b"From: app@acme.test\r\n\r\nPOST / HTTP/1.1\r\n")).code == 250
