"""The front's HTTP server: chunked bodies, keep-alive, limits, and no ambiguous framing."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from infra.local.exchange import LARGEST_BODY, Bridge, Request, Response, json_response
from tests.patience import PATIENCE
from tests.web_client import serving_web


def echo(request: Request) -> Response:
    return json_response(
        {
            "method": request.method,
            "target": request.target,
            "length": len(request.body),
            "x": request.headers.get("x-twice"),
        }
    )


@pytest.fixture
def port() -> Iterator[int]:
    with serving_web(Bridge(echo), asyncio.new_event_loop) as port:
        yield port


def raw(port: int, request: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(request)
        answer = b""
        while block := client.recv(65536):
            answer += block
    return answer


def test_many_requests_on_one_connection(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for number in range(50):
        client.request("POST", f"/a?n={number}", body=b"x" * number)
        answer = json.loads(client.getresponse().read())
        assert (answer["target"], answer["length"]) == (f"/a?n={number}", number)
    client.close()


def test_a_chunked_body_arrives_whole(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    chunks = iter([b"a" * 10, b"b" * 70_000, b"c"])
    client.request(
        "POST", "/", body=chunks, headers={"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert json.loads(client.getresponse().read())["length"] == 70_011
    client.close()


def test_chunk_extensions_and_trailers_are_read_over(port: int) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    assert b'"length": 3' in raw(port, request)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: +3\r\n\r\nabc",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    ],
)
def test_ambiguous_framing_is_refused_and_the_connection_closed(port: int, framing: bytes) -> None:
    answer = raw(port, b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"GET /next HTTP/1.1\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "twice", [b"Content-Length: 3, 3", b"Content-Length: 3\r\nContent-Length: 3"]
)
def test_a_length_that_is_said_twice_is_one_length(port: int, twice: bytes) -> None:
    more = b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = raw(port, b"POST / HTTP/1.1\r\nHost: a\r\n" + twice + b"\r\n\r\nabc" + more)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.index(b'"length": 3') < answer.index(b'"target": "/next"')


def test_a_body_above_the_limit_is_413(port: int) -> None:
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode()
    answer = raw(port, head + b"x" * 65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nContent-Type: text; charset=utf-8\r\n" in answer
    assert answer.endswith(b"\r\n\r\nHTTP content length exceeded 10485760 bytes.")
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = f"{LARGEST_BODY + 1:x}\r\n".encode() + b"x" * (LARGEST_BODY + 1)
    assert raw(port, chunked + chunk).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "X", "do_GET", "__init__"])
def test_any_method_is_handed_on(port: int, method: str) -> None:
    answer = raw(port, f"{method} /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f'"method": "{method}"'.encode() in answer


def test_head_has_no_body_and_repeated_headers_are_joined(port: int) -> None:
    answer = raw(port, b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    twice = b"GET / HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nX-Twice: 2\r\nConnection: close\r\n\r\n"
    assert b'"x": "1, 2"' in raw(port, twice)


def test_a_response_header_cannot_be_split() -> None:
    split = Response(200, b"", (("X-A", "b\r\nSet-Cookie: c"),))
    with serving_web(Bridge(lambda _request: split)) as port:
        answer = raw(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"\r\nSet-Cookie" not in answer
