"""An SMTP load generator: kept connections, one message after another on each, no pipelining, as most clients do.

`python -m bench.smtp_load --port N …` prints one JSON object: how many messages were accepted in how many seconds. It
is a process of its own, so that its CPU is not the server's; it fails at the first reply that is not what was wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
from collections.abc import Iterator

import uvloop

LINE = b'<p>Lorem ipsum dolor sit <a href="https://shop.example/a?b=1">amet</a> elit</p>\r\n'


def message(size: int, sender: str) -> bytes:
    """A plausible transactional message of `size` bytes on the wire, with its final dot."""
    head = (
        f"From: Bench <{sender}>\r\nTo: Somebody <rcpt@sink.example>\r\n"
        "Subject: Your receipt from Example Inc\r\nDate: Tue, 01 Jul 2025 10:00:00 +0000\r\n"
        "Message-ID: <bench.0001@bench.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
        "List-Unsubscribe: <https://bench.example/u/1>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n"
    ).encode()
    lines = max(1, (size - len(head)) // len(LINE))
    return head + LINE * lines + b".\r\n"


class Client(asyncio.Protocol):
    """One kept connection that sends its share of the messages."""

    def __init__(self, script: Iterator[tuple[bytes, bytes]]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._script = script
        self._wanted = b"220"
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        """A reply, or a part of one."""
        self._received += data
        if not self._received.endswith(b"\r\n"):
            return
        last = self._received[:-2].rpartition(b"\r\n")[2]
        if last[3:4] == b"-":
            return
        reply, self._received = self._received, b""
        if not reply.startswith(self._wanted):
            self._fail(RuntimeError(f"wanted {self._wanted!r}, got {reply!r}"))
            return
        step = next(self._script, None)
        if step is None:
            self._transport.close()
            self._finish()
            return
        command, self._wanted = step
        self._transport.write(command)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._fail(exc or ConnectionError("the server closed the connection"))

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def script(
    numbers: Iterator[int], body: bytes, sender: str, rcpt: str, key: str
) -> Iterator[tuple[bytes, bytes]]:
    """What one connection says, with the code that each reply must have."""
    yield b"EHLO client.bench.example\r\n", b"250"
    if key:
        secret = base64.b64encode(f"\0bench\0{key}".encode())
        yield b"AUTH PLAIN " + secret + b"\r\n", b"235"
    mail, to = f"MAIL FROM:<{sender}>\r\n".encode(), f"RCPT TO:<{rcpt}>\r\n".encode()
    for _ in numbers:
        yield mail, b"250"
        yield to, b"250"
        yield b"DATA\r\n", b"354"
        yield body, b"250"
    yield b"QUIT\r\n", b"221"


async def load(arguments: argparse.Namespace) -> dict[str, float]:
    """Send all messages over all sessions."""
    body = message(arguments.bytes, arguments.sender)
    numbers = iter(range(arguments.messages))
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    clients = []
    for _ in range(arguments.sessions):
        said = script(numbers, body, arguments.sender, arguments.rcpt, arguments.key)
        made = await loop.create_connection(
            lambda said=said: Client(said),  # type: ignore[misc]  # a default binds this turn's value
            "127.0.0.1",
            arguments.port,
        )
        clients.append(made[1])
    await asyncio.gather(*(client.done for client in clients))
    return {"messages": arguments.messages, "seconds": time.perf_counter() - begin}


def main() -> None:
    """Read the command line, send, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--bytes", type=int, default=4_096)
    parser.add_argument("--sender", default="sender@demo.test")
    parser.add_argument("--rcpt", default="rcpt@sink.example")
    parser.add_argument("--key", default="")
    print(json.dumps(uvloop.run(load(parser.parse_args()))))


if __name__ == "__main__":
    main()
