"""A web server for tests that says exactly the bytes that it is told to, and records what it hears.

    async with HttpPeer(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok") as peer:
        ...  # post to peer.url("/in")
        assert peer.requests[0].body == b"{}"

What it answers is bytes, or a coroutine function that gets the writer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Heard:
    """One request; header names are lower-case."""

    line: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class HttpPeer:
    """Listens on a free port of loopback while it is entered."""

    answer: Answer = OK
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    requests: list[Heard] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    reads: bool = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self.address, self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __post_init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, target: str = "/", host: str = "127.0.0.1") -> str:
        """Where it is."""
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{target}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            if self.reads:
                await self._read(reader)
            if isinstance(self.answer, bytes):
                writer.write(self.answer)
                await writer.drain()
            else:
                await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.rstrip("\r\n").split("\r\n")
        pairs = (each.split(": ", 1) for each in fields)
        heard = Heard(line, {name.lower(): value for name, value in pairs})
        heard.body = await reader.readexactly(int(heard.headers.get("content-length", "0")))
        self.requests.append(heard)
