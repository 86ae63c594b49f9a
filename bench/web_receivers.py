"""Web servers that webhooks are posted to, in a process of their own: one that answers at once, one that never does.

`python -m bench.web_receivers` prints the ports of both, and ends with its standard input. Each line on it is answered
with one JSON object: requests answered, and the most that hung at a time.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

from tests.webhook_workers import Hanging

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Receivers:
    """The process, from outside."""

    process: subprocess.Popen[str]
    fast: int = 0
    hanging: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def look(self) -> dict[str, Any]:
        """What has come so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.facts = json.loads(self.process.stdout.readline())
        return self.facts


@contextmanager
def receivers() -> Iterator[Receivers]:
    """The process while the block runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "bench.web_receivers"], stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout is not None
        fast, hanging = map(int, process.stdout.readline().split())
        yield Receivers(process, fast, hanging)
        process.kill()


async def main() -> None:
    """Serve until standard input ends."""
    answered = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        await reader.readexactly(int(length))
        answered += 1
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1_024)
    async with Hanging() as hanging:
        print(server.sockets[0].getsockname()[1], hanging.port, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"answered": answered, "most": hanging.most}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
