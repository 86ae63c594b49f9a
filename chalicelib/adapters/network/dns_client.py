"""Asks name servers over UDP, and over TCP when an answer does not fit.

Ours because a delivery starts with two or three look-ups, and a general resolver library costs more
CPU for one than the rest of the delivery. Query numbers are random; a socket, and so its random
port, lives only while questions are under way and for at most a hundred of them. What does not
match a question is ignored, as it may be forged. No cache, no search domains, no DNSSEC.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from chalicelib.domain.dns.message import (
    FORMAT_ERROR,
    NO_ERROR,
    NXDOMAIN,
    BadMessage,
    DnsAnswer,
    query_of,
    read_answer,
)
from chalicelib.domain.dns.zone_answer import ZoneAnswer

MOST_QUESTIONS_A_SOCKET = 100
MOST_SERVERS = 3

Server = tuple[str, int]
A = TypeVar("A", DnsAnswer, ZoneAnswer)
Read = Callable[[bytes, int, bytes], A]


class NoAnswer(Exception):
    """No name server gave an answer that says yes or no."""


class DnsClient:
    """Questions to `servers` in order, each up to `tries` times for `seconds`."""

    def __init__(self, servers: Sequence[Server], seconds: float, tries: int) -> None:
        self._servers = tuple(servers)
        self._seconds = seconds
        self._tries = tries
        self._exchange = Exchange(read_answer, recursive=True)

    async def ask(self, question: bytes) -> DnsAnswer:
        """The first answer that is positive, or says that there is nothing. Raises NoAnswer."""
        for _ in range(self._tries):
            for server in self._servers:
                with contextlib.suppress(OSError, TimeoutError, BadMessage):
                    answer = await self._exchange.ask(server, question, self._seconds)
                    if answer.code in (NO_ERROR, NXDOMAIN):
                        return answer
        raise NoAnswer


class Exchange(Generic[A]):
    """A question to a server and its answer, as `read` reads it; `recursive`: the server shall ask others."""

    def __init__(self, read: Read[A], *, recursive: bool) -> None:
        self._read: Read[A] = read
        self._recursive = recursive
        self._channels: dict[Server, _Channel[A]] = {}

    async def ask(self, server: Server, question: bytes, seconds: float) -> A:
        """What the server answers, whatever it is. `seconds` are for UDP, and again for TCP. Raises OSError,
        TimeoutError, and BadMessage for an answer that nobody can read."""
        answer = await self._over_udp(server, question, True, seconds)
        if answer.code == FORMAT_ERROR:  # a server older than EDNS
            answer = await self._over_udp(server, question, False, seconds)
        if not answer.truncated:
            return answer
        async with asyncio.timeout(seconds):
            answer = await self._over_tcp(server, question)
        if answer.truncated:
            raise BadMessage("truncated over TCP")
        return answer

    async def _over_udp(self, server: Server, question: bytes, extended: bool, seconds: float) -> A:
        channel = self._channels.get(server)
        loop = asyncio.get_running_loop()
        if channel is None or not channel.is_open or channel.loop is not loop:
            _, channel = await loop.create_datagram_endpoint(
                lambda: _Channel(self._read, self._recursive), remote_addr=server
            )
            self._channels[server] = channel
        try:
            return await channel.ask(question, extended, seconds)
        finally:
            if not channel.is_open and self._channels.get(server) is channel:
                del self._channels[server]

    async def _over_tcp(self, server: Server, question: bytes) -> A:
        number = secrets.randbits(16)
        reader, writer = await asyncio.open_connection(*server)
        try:
            query = query_of(number, question, recursive=self._recursive)
            writer.write(len(query).to_bytes(2, "big") + query)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return self._read(await reader.readexactly(size), number, question)
        except asyncio.IncompleteReadError as short:
            raise BadMessage("cut short") from short
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Channel(asyncio.DatagramProtocol, Generic[A]):
    """A UDP socket to one server and the questions under way on it."""

    def __init__(self, read: Read[A], recursive: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.is_open = True
        self._read: Read[A] = read
        self._recursive = recursive
        self._asked = 0
        self._waiting: dict[int, tuple[bytes, asyncio.Future[A]]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        number = int.from_bytes(data[:2], "big")
        question, answer = self._waiting.get(number, (b"", None))
        if answer is None or answer.done():
            return
        with contextlib.suppress(BadMessage):
            answer.set_result(self._read(data, number, question))

    def error_received(self, exc: Exception) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(exc)

    async def ask(self, question: bytes, extended: bool, seconds: float) -> A:
        number = secrets.randbits(16)
        while number in self._waiting:
            number = secrets.randbits(16)
        answer: asyncio.Future[A] = self.loop.create_future()
        self._waiting[number] = (question, answer)
        self._asked += 1
        timer = self.loop.call_later(seconds, _give_up, answer)
        try:
            if self._transport is None:
                raise ConnectionError("no socket")
            self._transport.sendto(query_of(number, question, extended, self._recursive))
            return await answer
        finally:
            timer.cancel()
            del self._waiting[number]
            self._retire()

    def _retire(self) -> None:
        if not self._waiting or self._asked >= MOST_QUESTIONS_A_SOCKET:
            self.is_open = False
        if not self._waiting and self._transport is not None:
            self._transport.close()


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


def server_of(text: str) -> Server:
    """The server of a setting, `host:port`."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def system_servers(file: Path = Path("/etc/resolv.conf")) -> list[Server]:
    """The name servers of the system's configuration, this machine's own when it names none."""
    servers = []
    with contextlib.suppress(OSError):
        for line in file.read_text("utf-8", "replace").splitlines():
            words = line.split()
            if len(words) >= 2 and words[0] == "nameserver":
                with contextlib.suppress(ValueError):
                    servers.append((str(ip_address(words[1])), 53))
    return servers[:MOST_SERVERS] or [("127.0.0.1", 53)]
