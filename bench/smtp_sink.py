"""A server that accepts mail and throws it away, cheap enough to stand behind a client that is
measured.

`sink()` starts Postfix's smtp-sink when it is installed, else this module's own, in a process of
its own, so that its CPU is not the client's. It understands pipelining and unstuffs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator


class Sink(asyncio.Protocol):
    """One connection: every command gets 250, DATA 354, content is skipped up to its end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""
        self.in_content = False
        self.write(b"220 sink ESMTP\r\n")

    def write(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]  # a stream's transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while self.rest:
            if self.in_content:
                at = self.rest.find(b"\r\n.\r\n")
                if at < 0:
                    self.rest = self.rest[-4:]
                    return
                self.rest = self.rest[at + 5 :]
                self.in_content = False
                self.write(b"250 2.0.0 Ok\r\n")
                continue
            line, newline, rest = self.rest.partition(b"\r\n")
            if not newline:
                return
            self.rest = rest
            self.answer(line[:4].upper())

    def answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            self.in_content = True
            self.write(b"354 go\r\n")
        elif verb == b"QUIT":
            self.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.write(b"250 2.0.0 Ok\r\n")


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """Name and port of a running sink."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program:
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program, *user, "-c", f"127.0.0.1:{port}", "100"]
    else:
        command = [sys.executable, "-m", "bench.smtp_sink", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield ("smtp-sink" if program else "own sink"), port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the sink does not listen")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
