"""A receiving server that throws mail away, in a process of its own, so that its CPU is nobody else's.

It counts messages and those that carry a DKIM signature, and notes when the first and the last came: a relay that
forgot to sign would look fast. It offers PIPELINING and 8BITMIME and says 250 to everything. `bare_sink` is for those
who want nothing counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any

import uvloop

from bench.smtp_peers import wait_for_greeting
from tests.loopback import free_port

EHLO = b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
PORT, COUNT, SIGNED, SIGNATURES, FIRST, LAST = range(6)
START_SECONDS = 30.0
_SPAWN = multiprocessing.get_context("spawn")


class Receiver(asyncio.Protocol):
    """One connection. `facts` is shared with the process that asked for the sink."""

    def __init__(self, facts: Any) -> None:
        self._facts = facts
        self._buffer = b""
        self._in_data = False
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        self._transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Commands and content in any mixture, as pipelining brings them."""
        self._buffer += data
        while self._take():
            continue

    def _take(self) -> bool:
        """One command or one message; False when there is no whole one."""
        end = b"\r\n.\r\n" if self._in_data else b"\r\n"
        taken, found, rest = self._buffer.partition(end)
        if not found:
            return False
        self._buffer = rest
        if self._in_data:
            self._in_data = False
            self._note(taken)
            self._transport.write(b"250 2.0.0 OK\r\n")
        else:
            self._answer(taken[:4].upper())
        return True

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self._transport.write(EHLO)
        elif verb == b"DATA":
            self._in_data = True
            self._transport.write(b"354 Go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 2.0.0 Bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 2.0.0 OK\r\n")

    def _note(self, content: bytes) -> None:
        facts, now = self._facts, time.monotonic()
        header = content.partition(b"\r\n\r\n")[0].lower()
        signatures = header.count(b"dkim-signature:")
        if not facts[FIRST]:
            facts[FIRST] = now
        facts[LAST] = now
        facts[SIGNED] += signatures > 0
        facts[SIGNATURES] += signatures
        facts[COUNT] += 1


async def _serve(facts: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(facts), "127.0.0.1", 0, backlog=1_000)
    facts[PORT] = server.sockets[0].getsockname()[1]
    await server.serve_forever()


def _main(facts: Any) -> None:
    uvloop.run(_serve(facts))


class Sink:
    """A running sink; use it as a context."""

    def __init__(self) -> None:
        self._facts: Any = _SPAWN.RawArray("d", 6)
        self._process: SpawnProcess = _SPAWN.Process(target=_main, args=(self._facts,), daemon=True)

    def __enter__(self) -> Sink:
        self._process.start()
        self._wait(PORT, 1, START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self._facts[PORT])

    @property
    def count(self) -> int:
        """Messages so far."""
        return int(self._facts[COUNT])

    @property
    def unsigned(self) -> int:
        """Messages so far without any DKIM signature."""
        return int(self._facts[COUNT] - self._facts[SIGNED])

    @property
    def signatures(self) -> int:
        """DKIM signatures so far."""
        return int(self._facts[SIGNATURES])

    def begin(self) -> int:
        """Forget when the first message came; returns the count so far."""
        self._facts[FIRST] = 0.0
        return self.count

    def wait_for(self, count: int, seconds: float) -> float:
        """Wait until there are so many in all; the seconds between the first since `begin` and the last."""
        self._wait(COUNT, count, seconds)
        return float(self._facts[LAST] - self._facts[FIRST])

    def _wait(self, what: int, least: float, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._facts[what] < least:
            if time.monotonic() > end or not self._process.is_alive():
                raise RuntimeError(f"the sink has {self.count} messages after {seconds:g} seconds")
            time.sleep(0.002)


@contextlib.contextmanager
def bare_sink() -> Iterator[tuple[str, int]]:
    """Name and port of a sink: Postfix's smtp-sink when it is installed, else this module's."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        with Sink() as own:
            yield "own sink", own.port
        return
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program, *user, "-c", f"127.0.0.1:{port}", "100"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_greeting(port, process)
        yield "smtp-sink", port
    finally:
        process.terminate()
        process.wait(10)
