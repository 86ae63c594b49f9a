"""The egress role of the gateway's image: a SOCKS5 server that lets mail leave from the address that is asked for.

`python -m gateway.egress_proxy`. The delivering functions log in (RFC 1929) with the wanted local address as the user
name and the shared password; a connection (RFC 1928 CONNECT) then leaves from that address or not at all. Promises that
nobody without the password is connected anywhere, and that only public addresses on the allowed ports are reached. It
resolves no names, understands no BIND and no UDP, and knows nothing of SMTP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import hmac
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address

from chalicelib.config import Settings
from chalicelib.domain.smtp.public_address import is_public

VERSION = 5
LOGIN_VERSION = 1
PASSWORD_METHOD = 2
NO_METHOD = b"\x05\xff"
CONNECT = 1
IPV4, IPV6 = 1, 4
LENGTHS = {IPV4: 4, IPV6: 16}
PIECE = 65_536
SHUTDOWN_SECONDS = float(Settings().deadline_seconds)  # so that no attempt is cut off by a stop


class Reply(IntEnum):
    """RFC 1928 section 6."""

    DONE = 0
    FAILED = 1
    NOT_ALLOWED = 2
    UNREACHABLE = 4
    REFUSED = 5
    TIMED_OUT = 6
    NO_SUCH_COMMAND = 7
    NO_SUCH_ADDRESS_KIND = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """What the proxy allows. `addresses` are the local addresses that may be asked for; times are in seconds."""

    password: str
    addresses: frozenset[str]
    ports: frozenset[int] = frozenset({25})
    is_allowed: Callable[[str], bool] = is_public
    max_connections: int = 2_000
    handshake_seconds: float = 15.0
    connect_seconds: float = 60.0
    idle_seconds: float = 660.0  # longer than any wait of an SMTP client (RFC 5321 section 4.5.3.2)


class _Refused(Exception):
    """The conversation ends with these bytes."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


class EgressProxy:
    """One SOCKS5 server. `open` counts the conversations in hand."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.open = 0

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Start listening; closing the server ends it."""
        return await asyncio.start_server(self._converse, host, port, limit=PIECE)

    async def finish(self, seconds: float) -> None:
        """Wait for the conversations in hand, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.open:
                    await asyncio.sleep(0.05)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= self._rules.max_connections:
                await self._work(reader, writer)
        except _Refused as refused:
            writer.write(refused.answer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client is gone, or has taken too long
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _work(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._rules.handshake_seconds):
            source = await self._log_in(reader, writer)
            host, port = await self._request(reader)
        far_reader, far_writer = await self._connect(host, port, source)
        try:
            writer.write(_answer(Reply.DONE))
            await writer.drain()
            await self._relay(reader, writer, far_reader, far_writer)
        finally:
            far_writer.close()

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """The local address that the client may use."""
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != VERSION or PASSWORD_METHOD not in methods:
            raise _Refused(NO_METHOD)
        writer.write(bytes([VERSION, PASSWORD_METHOD]))
        login, length = await reader.readexactly(2)
        name = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        known = hmac.compare_digest(password, self._rules.password.encode())
        source = name.decode("ascii", "replace")
        if login != LOGIN_VERSION or not known or source not in self._rules.addresses:
            raise _Refused(bytes([LOGIN_VERSION, 1]))
        writer.write(bytes([LOGIN_VERSION, 0]))
        return source

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, int]:
        version, command, _, kind = await reader.readexactly(4)
        if version != VERSION or command != CONNECT:
            raise _Refused(_answer(Reply.NO_SUCH_COMMAND))
        if kind not in LENGTHS:  # a name: whoever asks has looked it up, and checked the address
            raise _Refused(_answer(Reply.NO_SUCH_ADDRESS_KIND))
        host = str(ip_address(await reader.readexactly(LENGTHS[kind])))
        port = int.from_bytes(await reader.readexactly(2), "big")
        if port not in self._rules.ports or not self._rules.is_allowed(host):
            raise _Refused(_answer(Reply.NOT_ALLOWED))
        return host, port

    async def _connect(
        self, host: str, port: int, source: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(self._rules.connect_seconds):
                sock.bind((source, 0))
                await asyncio.get_running_loop().sock_connect(sock, (host, port))
                return await asyncio.open_connection(sock=sock, limit=PIECE)
        except BaseException as error:  # whatever ends it, the socket must not stay open
            sock.close()
            if isinstance(error, OSError):  # which a time-out is too
                raise _Refused(_answer(_reply_to(error))) from error
            raise

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Until both sides have ended, or one has broken off."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pour(reader, far_writer))
            both.create_task(self._pour(far_reader, writer))

    async def _pour(self, source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            while piece := await asyncio.wait_for(source.read(PIECE), self._rules.idle_seconds):
                into.write(piece)
                await into.drain()
            if into.can_write_eof():
                into.write_eof()
            return
        into.transport.abort()


def _reply_to(error: OSError) -> Reply:
    if isinstance(error, TimeoutError):
        return Reply.TIMED_OUT
    if isinstance(error, ConnectionRefusedError):
        return Reply.REFUSED
    ours = (errno.EADDRNOTAVAIL, errno.EINVAL, errno.EADDRINUSE, errno.EMFILE)
    return Reply.FAILED if error.errno in ours else Reply.UNREACHABLE


def _answer(reply: Reply) -> bytes:
    """A reply without the address that nobody reads."""
    return bytes([VERSION, reply, 0, IPV4]) + bytes(6)


def read_rules(environment: Mapping[str, str]) -> Rules:
    """From POSTHORN_EGRESS_PASSWORD and POSTHORN_EGRESS_ADDRESSES; ValueError names what is missing or wrong."""
    password = environment.get("POSTHORN_EGRESS_PASSWORD", "")
    if len(password) < 16:
        raise ValueError("POSTHORN_EGRESS_PASSWORD must have 16 characters or more")
    texts = environment.get("POSTHORN_EGRESS_ADDRESSES", "").replace(",", " ").split()
    if not texts:
        raise ValueError("POSTHORN_EGRESS_ADDRESSES names no local address")
    for text in texts:
        try:
            ip_address(text)
        except ValueError:
            raise ValueError(f"POSTHORN_EGRESS_ADDRESSES: {text!r} is no address") from None
    return Rules(password, frozenset(texts))


async def run(rules: Rules, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    proxy = EgressProxy(rules)
    server = await proxy.serve(host, port)
    print(f"egress proxy on {host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()
    await proxy.finish(SHUTDOWN_SECONDS)


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0 after an orderly stop, 1 with one sentence when it could not run."""
    parser = argparse.ArgumentParser(prog="python -m gateway.egress_proxy", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="local address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=1080, help="port (1080)")
    parsed = parser.parse_args(given)
    try:
        asyncio.run(run(read_rules(os.environ), parsed.bind, parsed.port))
    except (ValueError, OSError) as error:
        print(f"posthorn egress: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
