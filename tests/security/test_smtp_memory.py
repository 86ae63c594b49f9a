"""A real gateway stays within the memory that it was told it has, whatever its clients do at the same time."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from gateway.configuration import Role
from gateway.memory import CONNECTION_BYTES, PROGRAM_BYTES
from tests.gateway_process import MEBIBYTE, GatewayProcess, start_gateway
from tests.gateway_scene import Client, plain

MEMORY = 256
"""MiB. Of these 64 are for content, which is less than the clients below send together."""
MESSAGE = 8 * MEBIBYTE
CLIENTS = 14
HEAD = b"From: a@demo.test\r\nSubject: Large\r\n\r\n"
BODY = HEAD + (b"x" * 76 + b"\r\n") * ((MESSAGE - len(HEAD)) // 78)
DOTS = HEAD + b".\r\n" * ((MESSAGE - len(HEAD)) // 3)
HANG = 100.0


class Sender:
    """Sends one large message but for its end, then the end, so that all have theirs in memory at once."""

    def __init__(self, client: Client, content: bytes, chunk: int = 0) -> None:
        self.client = client
        self.wire = content if chunk else content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        self.chunk = chunk

    async def begin(self) -> None:
        await self.client.envelope(mail_from="a@demo.test")
        if not self.chunk:
            await self.client.say("DATA")
        while self.chunk and len(self.wire) > self.chunk:
            piece, self.wire = self.wire[: self.chunk], self.wire[self.chunk :]
            await self.client.send(b"BDAT %d\r\n" % len(piece) + piece)
            if (await self.client.reply()).code != 250:
                await self.client.say("RSET")
                self.wire = b""
                return
        if self.chunk:
            await self.client.send(b"BDAT %d LAST\r\n" % len(self.wire))
        await self.client.send(self.wire[:-9])

    async def end(self) -> int:
        """The code of the last reply; 452 when a chunk before the last was refused."""
        if not self.wire:
            return 452
        await self.client.send(self.wire[-9:])
        async with asyncio.timeout(HANG):
            line = await self.client.reader.readline()
        return int(line[:3])


@pytest.fixture
def limits() -> dict[str, object]:
    return {
        "gateway_memory_mib": MEMORY,
        "max_message_size": MESSAGE,
        "max_connections_per_client": 90,
    }


async def all_at_once(gateway: GatewayProcess, senders: list[Sender]) -> list[int]:
    """Begin all, end all, and let the store answer once it has as many as it is given at a time; the codes."""
    gateway.bodies.released.clear()
    gateway.bodies.taken = 0
    await asyncio.gather(*(sender.begin() for sender in senders))
    ends = asyncio.gather(*(sender.end() for sender in senders))
    async with asyncio.timeout(HANG):
        while gateway.bodies.taken < gateway.started["commits_in_flight"]:
            await asyncio.sleep(0.02)
    gateway.bodies.released.set()
    return await ends


@pytest.mark.parametrize("role", [Role.SUBMISSION, Role.SUBMISSIONS])
@pytest.mark.parametrize(
    ("content", "chunk"),
    [(BODY, 0), (DOTS, 0), (BODY, len(BODY)), (BODY, MEBIBYTE)],
    ids=["data", "dots", "bdat", "chunks"],
)
async def test_large_messages_at_the_same_time_fit_into_the_memory(
    tmp_path: Path, limits: dict[str, object], role: Role, content: bytes, chunk: int
) -> None:
    async with start_gateway(tmp_path, **limits) as gateway:
        clients = [await gateway.logged_in(role) for _ in range(CLIENTS)]
        codes: list[int] = []
        for _ in range(2):  # the second time, memory has the holes of the first
            codes += await all_at_once(gateway, [Sender(each, content, chunk) for each in clients])
        assert set(codes) == {250, 452}
        assert codes.count(250) >= 8
        assert gateway.peak() < MEMORY * MEBIBYTE
        assert (await clients[0].submit(HEAD + b"Small\r\n")).code == 250
        for client in clients:
            client.close()


async def flood(client: Client, beginning: bytes, unit: bytes) -> None:
    """Send until the gateway takes no more, or cuts."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        await client.send(beginning)
        async with asyncio.timeout(2):
            # A connection that the gateway has ended may take bytes for ever and wait for nothing.
            while client.writer.transport.get_write_buffer_size() < MEBIBYTE:
                await client.send(unit)
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("beginning", "unit"),
    [
        (b"EHLO me\r\nAUTH PLAIN " + plain("wrong").encode() + b"\r\n", b"x" * 65_536),
        (b"", b"EHLO me\r\n" * 6_000),
        (b"BDAT 30000000\r\n", b"x" * 65_536),
    ],
    ids=["while-it-waits", "replies-unread", "a-chunk-that-is-dropped"],
)
async def test_all_connections_flooding_at_once_fit_into_the_memory(
    tmp_path: Path, limits: dict[str, object], beginning: bytes, unit: bytes
) -> None:
    limits |= {
        "gateway_memory_mib": 384,
        "listener_share": 0,
        "auth_delay_seconds": 4,
        "shutdown_seconds": 1,
    }
    async with start_gateway(tmp_path, **limits) as gateway:
        count = min(90, int(gateway.started["max_connections"]))
        clients = [await gateway.connect(Role.SUBMISSIONS) for _ in range(count)]
        await asyncio.gather(*(flood(client, beginning, unit) for client in clients))
        assert gateway.peak() < PROGRAM_BYTES + count * CONNECTION_BYTES
        for client in clients:
            client.writer.transport.abort()


async def test_recipients_of_many_transactions_fit_into_the_memory(
    tmp_path: Path, limits: dict[str, object]
) -> None:
    async with start_gateway(tmp_path, **limits) as gateway:
        clients = [await gateway.logged_in() for _ in range(20)]

        async def address(client: Client) -> list[int]:
            lines = [b"RCPT TO:<%d-%s@example.com>\r\n" % (n, b"x" * 40) for n in range(1_000)]
            await client.send(b"MAIL FROM:<a@demo.test>\r\n" + b"".join(lines))
            return [(await client.reply()).code for _ in range(1_001)]

        codes = [code for each in await asyncio.gather(*map(address, clients)) for code in each]
        assert set(codes) == {250, 452}
        assert codes.count(250) > 4_000
        ends = asyncio.gather(*(client.data(HEAD + b"Hi\r\n") for client in clients))
        gateway.bodies.released.set()
        assert {said.code for said in await ends} <= {250, 452, 554}
        assert gateway.peak() < MEMORY * MEBIBYTE
        for client in clients:
            client.close()
