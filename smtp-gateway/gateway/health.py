"""The health port on loopback: 200 while the gateway takes connections, for a supervisor or balancer, and its metrics.

One request a connection, at most 1 KiB and 5 seconds each; every path but `/metrics` answers as `/health`. It says
nothing about who sends mail.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chalicelib.domain.prometheus import CONTENT_TYPE
from gateway.counts import rendered
from gateway.server import Gateway

LONGEST_REQUEST = 1_024
SECONDS = 5.0
_METRICS = re.compile(rb"[A-Z]+ /metrics[? ]")


@asynccontextmanager
async def serve_health(gateway: Gateway, port: int) -> AsyncIterator[None]:
    """Answer on 127.0.0.1:`port` while the block runs; port 0 means not at all."""
    if not port:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(gateway, head))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, limit=LONGEST_REQUEST)
    async with server:
        yield


def _response(gateway: Gateway, head: bytes) -> bytes:
    if _METRICS.match(head):
        return _rendered(CONTENT_TYPE, rendered(gateway.site.counts.numbers))
    state = {
        "status": "ok",
        "connections": gateway.open.total,
        "buffered": gateway.site.buffered,
    }
    return _rendered("application/json", json.dumps(state))


def _rendered(kind: str, text: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
