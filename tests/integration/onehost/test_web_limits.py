"""What one client, or many, may cost: heads, slow ones, bodies in hand, connections; and how serving ends."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.bootstrap import in_memory
from chalicelib.config import Settings
from onehost.web import requests as web_requests
from onehost.web import server as web_server
from onehost.web.application import Web
from onehost.web.request_rate import RequestRate
from onehost.web.requests import Held
from onehost.web.server import serve_web
from tests.integration.onehost.conftest import WebTenant
from tests.patience import PATIENCE
from tests.web_client import ask as ask_asgi
from tests.web_client import serving_web

HEAD = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n"


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def read_all(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    found = bytearray()
    while block := client.recv(65_536):
        found += block
    return bytes(found)


def ask(client: http.client.HTTPConnection) -> int:
    """The status of an answer that is read to its end."""
    client.request("GET", "/nothing")
    answer = client.getresponse()
    answer.read()
    return answer.status


def raw(port: int, *pieces: bytes) -> bytes:
    with connect(port) as client:
        for piece in pieces:
            client.sendall(piece)
        return read_all(client)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /nothing?" + b"a" * 7_900 + b" HTTP/1.1\r\nHost: a\r\n", 404),
        (b"GET /nothing?" + b"a" * 8_000 + b" HTTP/1.1\r\nHost: a\r\n", 414),
        (HEAD + b"X: " + b"a" * 8_000 + b"\r\n", 431),
        (HEAD + b"X: a\r\n" * 1_400, 431),
        (HEAD + b"X: " + b"a" * 1_000_000 + b"\r\n", 431),
        (b"GET / HTTP/2.0\r\nHost: a\r\n", 400),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n", 400),
        (b"GET /\x80 HTTP/1.1\r\nHost: a\r\n", 400),
        (HEAD + b"X : a\r\n", 400),
        (HEAD + b"X: a\x00\r\n", 400),
        (HEAD + b"X: a\rY: b\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_heads_are_bounded_and_read_in_one_way(tenant: WebTenant, head: bytes, status: int) -> None:
    answer = raw(tenant.port, head + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Content-Type: application/problem+json" in answer


def test_broken_chunks_end_the_connection(tenant: WebTenant) -> None:
    head = b"POST /api/v2/emails HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(tenant.port, head + b"3\r\nabcd\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_what_follows_a_refused_body_is_no_request(tenant: WebTenant) -> None:
    head = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 7000000\r\n\r\n"
    answer = raw(tenant.port, head + b"GET /img/x HTTP/1.1\r\nHost: a\r\n\r\n".ljust(40))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_requests_that_are_sent_together_are_answered_in_order(tenant: WebTenant) -> None:
    one = b"%s /api/v1/send/message HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = raw(tenant.port, one % b"DELETE", one % b"GET", last)
    assert [answer.count(b"HTTP/1.1 %d " % status) for status in (404, 200)] == [2, 1]


def test_a_client_that_has_said_all_gets_its_answer(tenant: WebTenant) -> None:
    with connect(tenant.port) as client:
        client.sendall(HEAD + b"\r\n")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 404 ")


def test_a_head_that_does_not_come_ends_the_connection(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "HEAD_SECONDS", 0.2)
    assert raw(tenant.port) == b""
    with connect(tenant.port) as client:
        client.sendall(HEAD)
        for _ in range(100):
            try:
                client.sendall(b"X: a\r\n")
            except OSError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the head may take for ever")
    # Between two requests as well.
    with connect(tenant.port) as client:
        client.sendall(HEAD + b"\r\n")
        time.sleep(0.4)
        client.sendall(HEAD + b"\r\n" + HEAD)
        assert read_all(client).count(b"HTTP/1.1 404 ") == 2


def test_a_body_that_does_not_come_is_a_408(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_requests, "PATIENCE_SECONDS", 0.2)
    head = b"POST /api/v1/send/message HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123"
    answer = raw(tenant.port, head)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_an_idle_connection_ends(tenant: WebTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(web_server, "STUCK_SECONDS", 0.1)
    assert raw(tenant.port, HEAD + b"\r\n").startswith(b"HTTP/1.1 404 ")


def test_there_is_room_for_some_bodies_at_a_time(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Web, "__init__", _with_little_room(Web.__init__))
    with serving_web(Web(tenant.posthorn)) as port:
        tenant.port = port
        for _ in range(3):
            assert tenant.call("POST", "/api/v1/send/message", b"x" * 1_000).status == 200
        answer = tenant.call("POST", "/api/v1/send/message", b"x" * 1_001)
        assert (answer.status, answer.json["code"]) == (429, "throttled")
        assert "retry-after" in answer.headers
        assert tenant.call("POST", "/api/v1/send/message", b"x" * 1_000).status == 200


def _with_little_room(make: Any) -> Any:
    def made(self: Web, *arguments: Any) -> None:
        make(self, *arguments)
        self._held = Held(1_000)

    return made


def test_connections_are_bounded(tenant: WebTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "MOST_CONNECTIONS", 2)
    clients = [http.client.HTTPConnection("127.0.0.1", tenant.port, PATIENCE) for _ in range(2)]
    assert [ask(client) for client in clients] == [404, 404]
    assert raw(tenant.port).startswith(b"HTTP/1.1 503 ")
    assert [ask(client) for client in clients] == [404, 404]
    for client in clients:
        client.close()


async def large(scope: Any, _receive: Any, send: Any) -> None:
    """An application whose answers are larger than any buffer."""
    size = b"20000000"
    fields = [(b"Content-Length", size)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    for _ in range(100):
        await send({"type": "http.response.body", "body": b"x" * 200_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await large(scope, receive, send)
        ended.set()

    with serving_web(watched) as port:
        with monkeypatch.context() as patch, connect(port) as client:
            patch.setattr(web_server, "STUCK_SECONDS", 0.1)
            client.sendall(HEAD + b"\r\n")
            assert ended.wait(PATIENCE)  # nothing was read, so it ends with the connection alone
            with contextlib.suppress(ConnectionResetError):
                assert len(read_all(client)) < 20_000_000
        with connect(port) as reader:
            reader.sendall(HEAD + b"Connection: close\r\n\r\n")
            assert len(read_all(reader)) > 20_000_000


def test_first_is_asked_before_everything(tenant: WebTenant) -> None:
    async def first(request: HttpRequest) -> HttpAnswer | None:
        if request.path.startswith(("/api", "/b/")):
            return None
        return HttpAnswer(200, request.body, {"Content-Type": "text/plain"})

    with serving_web(Web(tenant.posthorn, first=first)) as port:
        tenant.port = port
        assert tenant.call("POST", "/_local/clock", b"{}").body == b"{}"
        assert tenant.call("PUT", "/u/1/2", b"not read").body == b""
        assert tenant.call("GET", "/img/a/b").headers["content-type"] == "text/plain"
        assert tenant.call("GET", "/b/1").status == 404
        assert tenant.v2("GET", "/emails").status == 200


def test_what_is_under_way_is_answered_when_serving_ends(tenant: WebTenant) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    asked = threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await asyncio.sleep(0.5)
        await Web(tenant.posthorn)(scope, receive, send)

    async def serve() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(serve_web(slow, [listener], stop))
        await asyncio.to_thread(asked.wait, PATIENCE)
        stop.set()
        await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    with connect(port) as idle, connect(port) as client:
        client.sendall(HEAD + b"\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 404 ")
        assert read_all(idle) == b""
    thread.join(PATIENCE)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_who_came_before_the_stop_is_answered_after_it(tenant: WebTenant) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    came, is_stopping = threading.Event(), threading.Event()
    connections: set[Any] = set()

    async def serve() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(
            serve_web(Web(tenant.posthorn), [listener], stop, connections=connections)
        )
        while not connections:
            await asyncio.sleep(0)
        came.set()
        stop.set()
        while not any(one._is_last for one in connections):
            await asyncio.sleep(0)
        is_stopping.set()
        await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    with connect(port) as client:
        assert came.wait(PATIENCE)
        assert is_stopping.wait(PATIENCE)
        client.sendall(HEAD + b"\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 404 ")
    thread.join(PATIENCE)
    assert not thread.is_alive()


PARTS = (
    *(b"GET ", b"PUT ", b"POST ", b"/", b"/api/v2/emails", b"/img/a/b", b"/u/1/2", b"?a=%zz"),
    *(b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\r\n\r\n", b"\r\n\r\n", b"\n", b"\r", b": ", b"abc"),
    *(b"Host: a\r\n", b"Host: track.posthorn.test\r\n", b"Connection: close\r\n", b"X: y\r\n"),
    *(b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n"),
    *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"\x00", b"\xff\xfe"),
)
BEGINNINGS = (
    b"",
    b"POST /api/v1/send/message HTTP/1.1\r\nHost: a\r\n",
    b"PUT /u/1/2/3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
    b"GET /img/a/b HTTP/1.1\r\nHost: a\r\n",
)


@pytest.mark.parametrize("seed", range(8))
def test_no_bytes_break_the_server(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    monkeypatch.setattr(web_server, "LINGER_SECONDS", 0.1)
    chance = random.Random(seed)  # a test's
    for _ in range(60):
        parts = chance.choices(PARTS, k=chance.randrange(1, 25))
        request = b"".join((chance.choice(BEGINNINGS), *parts))
        cut, answer = chance.randrange(len(request) + 1), b""
        # Who sends on behind what ends a connection is reset.
        with connect(tenant.port) as client, contextlib.suppress(OSError):
            client.sendall(request[:cut])
            client.sendall(request[cut:])
            client.shutdown(socket.SHUT_WR)
            answer = read_all(client)
        assert not answer or answer.startswith(b"HTTP/1.1 "), request
        assert b"HTTP/1.1 500" not in answer, request
    assert tenant.v2("GET", "/emails").status == 200
    assert [one.message for one in caplog.records if one.levelname in {"ERROR", "CRITICAL"}] == []


async def test_an_address_has_a_hundred_requests_of_the_api_a_second() -> None:
    program = in_memory()
    web = Web(program)
    for _ in range(100):
        assert (await ask_asgi(web, "GET", "/api/v2/nothing")).status == 404
    refused = await ask_asgi(web, "POST", "/api/v1/send/message", body=b"{}")
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert refused.json["code"] == "throttled"
    for path in ("/api/v2/nothing", "/.well-known/jwks.json"):
        assert (await ask_asgi(Web(program), "GET", path)).status == 429
    assert (await ask_asgi(web, "GET", "/nothing")).status == 404, "tracking and uploads are apart"
    for address in ("192.0.2.1", "2001:db8:1::1"):
        assert (await ask_asgi(web, "GET", "/api/v2/nothing", client=address)).status == 404
    program[ControlledClock].advance(1)
    assert (await ask_asgi(web, "GET", "/api/v2/nothing")).status == 404


def test_processes_count_together(tmp_path: Path) -> None:
    folder = StateFolder(Settings(state_folder=str(tmp_path / "state")))
    one, two = RequestRate(folder), RequestRate(folder)
    admitted = [rate.admits("2001:db8::1", 5.0) for rate in (one, two) for _ in range(60)]
    assert admitted.count(True) == 100
    assert not one.admits("2001:db8::ffff", 5.9), "it is of the same /64"
    assert one.admits("2001:db8::1", 6.0)
    assert all(one.admits(f"192.0.{n // 250}.{n % 250}", 7.0) for n in range(10_000))
