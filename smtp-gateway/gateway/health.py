"""`GET /health` on loopback: 200 while the gateway takes connections, with counts, for a supervisor or balancer.

One request a connection, at most 1 KiB and 5 seconds each; every path answers the same. It says nothing about who sends
mail.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.server import Gateway

LONGEST_REQUEST = 1_024
SECONDS = 5.0


@asynccontextmanager
async def serve_health(gateway: Gateway, port: int) -> AsyncIterator[None]:
    """Answer on 127.0.0.1:`port` while the block runs; port 0 means not at all."""
    if not port:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(gateway))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, limit=LONGEST_REQUEST)
    async with server:
        yield


def _response(gateway: Gateway) -> bytes:
    body = json.dumps(
        {
            "status": "ok",
            "connections": gateway.open.total,
            "buffered": gateway.site.buffered,
        }
    ).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
