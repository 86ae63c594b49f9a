"""Clients of an ASGI application: over a socket on a free loopback port, or called in the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import uvloop

from chalicelib.bootstrap import Posthorn
from chalicelib.ports.blobs import UploadTicket
from onehost.web.application import Web
from onehost.web.server import serve_web
from tests.http_api import Reply
from tests.patience import PATIENCE


@contextlib.contextmanager
def serving_web(
    application: Any,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    listener: socket.socket | None = None,
) -> Iterator[int]:
    """The port at which the one-host server has the application, on a loop in a thread of its own; a free one unless
    somebody listens already."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    ready = threading.Event()
    ends: list[Any] = []

    async def serve() -> None:
        stop = asyncio.Event()
        ends.extend((asyncio.get_running_loop(), stop))
        ready.set()
        await serve_web(application, [listener], stop)

    def run() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield port
    finally:
        loop, stop = ends
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)


async def ask(
    application: Any,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    client: str = "127.0.0.1",
) -> Reply:
    """One request without a socket."""
    path, _, query = target.partition("?")
    sent = {"host": "localhost", "content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": (client, 1),
    }
    answered: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    await application(scope, receive, send)
    fields = {name.decode().lower(): value.decode() for name, value in answered[0]["headers"]}
    return Reply(answered[0]["status"], fields, b"".join(one["body"] for one in answered[1:]))


async def follow(
    posthorn: Posthorn, url: str, kind: str = "message/rfc822", begins: str = "attachment"
) -> bytes:
    """What a client gets by a link of a blob store on one host."""
    reply = await ask(Web(posthorn), "GET", urlsplit(url).path)
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == kind
    assert reply.headers["content-disposition"].startswith(begins)
    return reply.body


async def bring(posthorn: Posthorn, ticket: UploadTicket, content: bytes) -> None:
    """What a client does with its ticket of a blob store on one host."""
    reply = await ask(
        Web(posthorn), ticket.method, urlsplit(ticket.url).path, ticket.headers, content
    )
    assert reply.status == 200, reply
