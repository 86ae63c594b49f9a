"""A gateway as a process of its own, so that its memory can be measured: `start_gateway` runs it until the block ends.

It is `python -m gateway --memory` with one part replaced: bodies go to S3, by the real client, over HTTP. What is there
is `HeldBodies`, which takes objects and answers only when it is told to, so that commits are in flight for as long as a
test wants. Run as a module, this is that process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.s3 import S3BlobStore
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.model import Message
from chalicelib.ports.intake import Mail
from gateway import demonstration
from gateway.__main__ import main
from gateway.configuration import Role
from tests.gateway_scene import Client, trusting_context
from tests.patience import PATIENCE
from tests.resident_memory import peak_mib

MEBIBYTE = 1_048_576
START_SECONDS = 60
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class HeldBodies:
    """Takes PUTs of S3 and answers each once `released` is set. `taken` counts whole objects."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.taken = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen while the block runs; the URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            self.released.set()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._take(reader, writer)
        writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        found = _LENGTH.search(head)
        left = int(found[1]) if found else 0
        while left:
            piece = await reader.read(min(left, 262_144))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
        self.taken += 1
        await self.released.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


@dataclass
class GatewayProcess:
    """A running process, what it said when it started, and what it stores to."""

    process: asyncio.subprocess.Process
    started: dict[str, Any]
    key: str
    bodies: HeldBodies

    def peak(self) -> int:
        """The most memory it has had resident so far, in bytes."""
        return int(peak_mib(self.process.pid) * 1024 * 1024)

    async def connect(self, role: Role = Role.SUBMISSION) -> Client:
        """A connection, past its greeting."""
        secure = trusting_context() if role is Role.SUBMISSIONS else None
        port = self.started["ports"][role]
        client = Client(*await asyncio.open_connection("127.0.0.1", port, ssl=secure))
        async with asyncio.timeout(START_SECONDS):
            assert (await client.reply()).code == 220
        return client

    async def logged_in(self, role: Role = Role.SUBMISSION) -> Client:
        """A connection that is authenticated."""
        client = await self.connect(role)
        assert (await client.log_in(self.key)).code == 235
        return client


@asynccontextmanager
async def start_gateway(folder: Path, **variables: object) -> AsyncIterator[GatewayProcess]:
    """Run the process with `POSTHORN_*` variables in lower case; its certificate lies in `folder`."""
    bodies = HeldBodies()
    async with bodies.serve() as url:
        settings = {f"POSTHORN_{name.upper()}": str(value) for name, value in variables.items()}
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "POSTHORN_STATE": str(folder),
            "POSTHORN_ALLOW_PLAIN_AUTH": "1",
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.gateway_process"),
            stdout=asyncio.subprocess.PIPE,
            env=environment | settings,
        )
        assert process.stdout is not None
        key, event = "", {}
        try:
            async with asyncio.timeout(START_SECONDS):
                while event.get("event") != "started":
                    line = await process.stdout.readline()
                    assert line, "the gateway did not start"
                    key = line.split()[1].decode() if line.startswith(b"key ") else key
                    event = json.loads(line) if line.startswith(b"{") else {}
            said = asyncio.create_task(process.stdout.read())
            yield GatewayProcess(process, event, key, bodies)
            assert process.returncode is None, "the gateway has ended"
        finally:
            bodies.released.set()
            if process.returncode is None:
                process.terminate()
                async with asyncio.timeout(START_SECONDS):
                    await process.wait()
        await asyncio.wait_for(said, PATIENCE)


class _BodiesInS3(demonstration.CountedIntake):
    """Stores bodies as a gateway on AWS does, and counts the rest."""

    async def store(
        self, batch: Sequence[Mail], now: float
    ) -> list[tuple[tuple[Message, bool], ...]]:
        store = S3BlobStore(AwsSession(Meter()), Settings(bucket="bodies"), SystemRand())
        bodies = [mail.body for mail in batch if mail.body is not None]
        await store.put(batch[0].server_id, bodies, now)
        return await super().store(batch, now)


if __name__ == "__main__":
    demonstration.CountedIntake = _BodiesInS3  # type: ignore[misc]  # made with no arguments, as it is
    ports = [
        word for role in ("mx", "submission", "submissions") for word in (f"--{role}-port", "0")
    ]
    sys.exit(main(["--memory", *ports]))
