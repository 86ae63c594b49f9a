"""Servers that are slow, huge, malformed or gone cost one attempt of bounded time and memory, and are described."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib

import pytest

from chalicelib.domain.http_exchange import LONGEST_BODY
from tests.http_peer import HttpPeer
from tests.integration.http.test_http_client import post

HEAD = b"HTTP/1.1 200 OK\r\n"
SHORT = 0.5
MALFORMED = {
    "nothing": b"",
    "no http": b"220 mail.example ESMTP\r\n\r\n",
    "garbage": b"\x00\xff" * 100,
    "half a status line": b"HTTP/1.",
    "half a header": HEAD + b"A: b\r\n",
    "a bare line": HEAD + b"no colon here\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is none": HEAD + b"Content-Length: -1\r\n\r\n",
    "a status that is none": b"HTTP/1.1 099 OK\r\n\r\n",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an endless line": HEAD + b"A: " + b"x" * 200_000,
    "many fields": HEAD + b"A: b\r\n" * 30_000 + b"\r\n",
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000 + HEAD + b"\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_is_no_connection(name: str) -> None:
    async with HttpPeer(MALFORMED[name]) as peer:
        answer = await post(peer.url(), seconds=5)
    assert answer.code == -2
    assert 0 < len(answer.text) <= 200
    assert answer.body == b""
    assert answer.seconds < 4


async def forever(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def endless_header(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def interim(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", [forever, endless_header, interim])
async def test_what_is_slow_is_given_up_in_time(how: object) -> None:
    async with HttpPeer(how) as peer:  # type: ignore[arg-type]  # each is a coroutine function
        started = time.monotonic()
        answer = await post(peer.url(), seconds=SHORT)
    assert (answer.code, answer.text) == (-1, "Timed out after 0.5 seconds")
    assert time.monotonic() - started < SHORT + 1


async def test_a_server_that_does_not_read_is_given_up_in_time() -> None:
    async with HttpPeer(forever, reads=False) as peer:
        answer = await post(peer.url(), body=b"x" * 20_000_000, seconds=SHORT)
    assert answer.code == -1


async def test_a_slow_body_is_cut_and_the_status_counts() -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with HttpPeer(drips) as peer:
        answer = await post(peer.url(), seconds=SHORT)
    assert answer.code == 503
    assert answer.header("retry-after") == "7"
    assert 0 < len(answer.body) < 20
    assert answer.error is None


async def floods(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"x" * 1_000_000)
        await writer.drain()


async def test_a_huge_body_is_cut_at_64_kib() -> None:
    async with HttpPeer(floods) as peer:
        tracemalloc.start()
        answer = await post(peer.url())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.code == 200
    assert len(answer.body) == LONGEST_BODY
    assert peak < 16 * 1024 * 1024
    assert answer.seconds < 4


async def test_nothing_is_decompressed() -> None:
    bomb = gzip.compress(zlib.compress(b"\0" * 20_000_000))
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with HttpPeer(head + bomb) as peer:
        answer = await post(peer.url())
    assert answer.body == bomb[:LONGEST_BODY]


BROKEN_BODIES = {
    "closed early": b"Content-Length: 100\r\n\r\nabc",
    "a chunk that is none": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    "chunks without an end": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
async def test_after_the_header_nothing_that_breaks_matters(name: str) -> None:
    async with HttpPeer(HEAD + BROKEN_BODIES[name]) as peer:
        answer = await post(peer.url())
    assert (answer.code, answer.body, answer.error) == (200, b"abc", None)


async def test_an_answer_before_the_end_of_the_request_counts() -> None:
    async def early(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(1)

    async with HttpPeer(early, reads=False) as peer:
        answer = await post(peer.url(), body=b"x" * 10_000_000)
    assert (answer.code, answer.body) == (413, b"no")


async def test_nobody_listens() -> None:
    async with HttpPeer() as peer:
        url = peer.url()
    answer = await post(url)
    assert (answer.code, answer.text) == (-2, "Connection refused")
