"""The inbox's SMTP server: takes every message for every recipient, except where a magic local part says otherwise.

Offers what a modern receiver offers (STARTTLS, PIPELINING, CHUNKING, 8BITMIME, SMTPUTF8, SIZE, DSN) and keeps the exact
bytes. It is a peer to test against, written on plain streams so that it can break off anywhere; it judges nothing and
must never listen on anything but loopback. A client whose first line is no command of SMTP is sent away with what it
sends after it: a web page can make a browser post a mail session, but not without a line of HTTP before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from gateway.tls import make_pair
from infra.local.folder import write_private
from infra.local.inbox_store import Caught, InboxStore
from infra.local.magic import GREYLIST_SECONDS, SLOW_SECONDS, Manner, Trick, manner_of
from infra.local.plan import INBOX_HOSTNAME

LONGEST_COMMAND = 4096
LARGEST_MESSAGE = 64 * 1024 * 1024
MOST_RECIPIENTS = 1_000
IDLE_SECONDS = 300.0
BLOCK = 256 * 1024
MOST_GREYLISTED = 10_000
EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN")
# A request line of HTTP, whatever its method.
_HTTP = re.compile(r"[ \t]HTTP/[0-9]", re.I)
_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>(?: .*)?", re.I | re.S)


# What is said in answer to commands that do nothing.
_IDLE = {"noop": "250 2.0.0 OK", "vrfy": "252 2.5.0 Send it and see"}


class Gone(Exception):
    """The client went away, or was sent away."""


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT said. `mail_from` is None before MAIL."""

    mail_from: str | None = None
    recipients: list[tuple[str, Manner]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)

    def has(self, trick: Trick) -> Manner | None:
        return next((manner for _, manner in self.recipients if manner.trick is trick), None)


class Wire:
    """Buffered reading of lines, dot-terminated content and counted octets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._buffer = bytearray()

    async def line(self) -> bytes:
        """One command without its line end."""
        while (at := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_COMMAND:
                raise Gone
            await self._more()
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        return line.removesuffix(b"\r")

    async def content(self) -> bytes:
        """Everything before CRLF.CRLF with dots unstuffed (RFC 5321 §4.5.2); a bare LF ends nothing."""
        data = bytearray(b"\r\n")
        searched = 0
        while (at := data.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(data) - 4)
            if not self._buffer:
                await self._more()
            data += self._buffer
            self._buffer.clear()
            if len(data) > LARGEST_MESSAGE:
                raise Gone
        self._buffer[:0] = data[at + 5 :]
        return bytes(data[: at + 2].replace(b"\r\n..", b"\r\n.")[2:])

    async def octets(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        taken, self._buffer = bytes(self._buffer[:count]), self._buffer[count:]
        return taken

    async def say(self, *lines: str) -> None:
        """One reply."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace"))
        await self.writer.drain()

    async def start_tls(self, context: ssl.SSLContext) -> str:
        """Hand over to TLS and forget what came before it (RFC 3207 §4.2); the version and cipher."""
        self._buffer.clear()
        await self.writer.start_tls(context)
        secured = self.writer.get_extra_info("ssl_object")
        return f"{secured.version()} {secured.cipher()[0]}"

    async def _more(self) -> None:
        block = await asyncio.wait_for(self._reader.read(BLOCK), IDLE_SECONDS)
        if not block:
            raise Gone
        self._buffer += block


def inbox_context(folder: Path) -> ssl.SSLContext:
    """The inbox's TLS, so that delivery can be seen to use STARTTLS: self-signed, made on first use and kept there."""
    pair = folder / "inbox.pem"
    if not pair.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key = make_pair(INBOX_HOSTNAME, time.time())
        write_private(pair, (key + certificate).decode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context


class InboxServer:
    """Serves on one loopback port. `follow_up` is told of messages whose trick happens afterwards."""

    def __init__(
        self,
        store: InboxStore,
        tls: ssl.SSLContext,
        now: Callable[[], float] = time.time,
        follow_up: Callable[[Trick, Caught, bytes], None] = lambda *_: None,
    ) -> None:
        self.store = store
        self.tls = tls
        self.now = now
        self.follow_up = follow_up
        self._greylisted: OrderedDict[str, float] = OrderedDict()

    async def start(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, host, port, backlog=512)

    def is_greylisted(self, address: str) -> bool:
        """Whether this recipient must wait; the first look starts the minute."""
        first = self._greylisted.setdefault(address.lower(), self.now())
        while len(self._greylisted) > MOST_GREYLISTED:
            self._greylisted.popitem(last=False)
        return self.now() - first < GREYLIST_SECONDS

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, Wire(reader, writer))
        with contextlib.suppress(Gone, OSError, TimeoutError, asyncio.CancelledError):
            await session.run()
        writer.close()


class Session:
    """One client."""

    def __init__(self, server: InboxServer, wire: Wire) -> None:
        self._server = server
        self._wire = wire
        self._say = wire.say
        self._helo = ""
        self._tls = ""
        self._transaction = Transaction()
        peer = wire.writer.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if peer else ""

    async def run(self) -> None:
        """Answer until QUIT or the end of the connection."""
        await self._say(f"220 {INBOX_HOSTNAME} ESMTP inbox")
        speaks_smtp = False
        while True:
            text = (await self._wire.line()).decode("utf-8", "replace")
            verb, _, argument = text.partition(" ")
            verb = verb.lower()
            command = getattr(self, f"_on_{verb}", None) if verb.isalpha() else None
            known = command is not None or verb in _IDLE
            if not speaks_smtp and (not known or _HTTP.search(text)):
                await self._say("421 4.7.0 This is a mail server")
                raise Gone
            speaks_smtp = True
            if command is None:
                await self._say(_IDLE.get(verb, "500 5.5.1 Unknown command"))
            else:
                await command(argument.strip())

    async def _on_ehlo(self, name: str) -> None:
        self._helo, self._transaction = name[:255], Transaction()
        offers = [INBOX_HOSTNAME, *EXTENSIONS, f"SIZE {LARGEST_MESSAGE}"]
        if not self._tls:
            offers.append("STARTTLS")
        await self._say(*(f"250-{line}" for line in offers[:-1]), f"250 {offers[-1]}")

    async def _on_helo(self, name: str) -> None:
        self._helo, self._transaction = name[:255], Transaction()
        await self._say(f"250 {INBOX_HOSTNAME}")

    async def _on_starttls(self, _argument: str) -> None:
        if self._tls:
            return await self._say("503 5.5.1 TLS is not available")
        await self._say("220 2.0.0 Go ahead")
        self._tls = await self._wire.start_tls(self._server.tls)
        self._helo, self._transaction = "", Transaction()

    async def _on_mail(self, argument: str) -> None:
        path = _PATH.fullmatch(argument)
        if path is None or self._transaction.mail_from is not None:
            return await self._say("503 5.5.1 Bad sequence or syntax: MAIL FROM:<address>")
        self._transaction.mail_from = path[1]
        await self._say("250 2.1.0 Sender OK")

    async def _on_rcpt(self, argument: str) -> None:
        path = _PATH.fullmatch(argument)
        if path is None or self._transaction.mail_from is None:
            return await self._say("503 5.5.1 Bad sequence or syntax: RCPT TO:<address>")
        if len(self._transaction.recipients) >= MOST_RECIPIENTS:
            return await self._say("452 4.5.3 Too many recipients")
        address, manner = path[1], manner_of(path[1])
        while manner.trick is Trick.TIMEOUT:  # say nothing until the client gives up
            await self._wire.line()
        if manner.trick is Trick.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        greylisted = manner.trick is Trick.GREYLIST and self._server.is_greylisted(address)
        if manner.trick is Trick.REFUSE or greylisted:
            return await self._say(manner.reply)
        self._transaction.recipients.append((address, manner))
        await self._say("250 2.1.5 Recipient OK")

    async def _on_data(self, _argument: str) -> None:
        if not self._transaction.recipients or self._transaction.chunks:
            return await self._say("503 5.5.1 No valid recipients")
        await self._say("354 End data with <CR><LF>.<CR><LF>")
        if self._transaction.has(Trick.DROP_DATA):
            await self._wire.line()
            self._break_off()
        await self._finish(await self._wire.content())

    async def _on_bdat(self, argument: str) -> None:
        size, _, last = argument.upper().partition(" ")
        if not (size.isascii() and size.isdigit()) or int(size) > LARGEST_MESSAGE:
            raise Gone
        chunk = await self._wire.octets(int(size))
        if not self._transaction.recipients:
            return await self._say("503 5.5.1 No valid recipients")
        if self._transaction.has(Trick.DROP_DATA):
            self._break_off()
        self._transaction.chunks.append(chunk)
        if sum(map(len, self._transaction.chunks)) > LARGEST_MESSAGE:
            raise Gone
        if last == "LAST":
            await self._finish(b"".join(self._transaction.chunks))
        else:
            await self._say(f"250 2.0.0 {size} octets")

    async def _on_rset(self, _argument: str) -> None:
        self._transaction = Transaction()
        await self._say("250 2.0.0 OK")

    async def _on_quit(self, _argument: str) -> None:
        await self._say("221 2.0.0 Bye")
        raise Gone

    async def _finish(self, content: bytes) -> None:
        """The reply to the whole content, after keeping it."""
        transaction, self._transaction = self._transaction, Transaction()
        if transaction.has(Trick.DROP_REPLY):
            self._keep(transaction, content)
            self._break_off()
        if transaction.has(Trick.SLOW):
            await asyncio.sleep(SLOW_SECONDS)
        if refused := transaction.has(Trick.REFUSE_DATA):
            return await self._say(refused.reply)
        await self._say(f"250 2.0.0 Caught as {self._keep(transaction, content)}")

    def _keep(self, transaction: Transaction, content: bytes) -> str:
        """Keep the message for each recipient; the id of the first."""
        ids, sender = [], transaction.mail_from or ""
        for address, manner in transaction.recipients:
            caught = self._server.store.add(
                sender, address, content, self._helo, self._peer, self._tls
            )
            ids.append(caught.id)
            if manner.trick is not Trick.NONE:
                self._server.follow_up(manner.trick, caught, content)
        return ids[0]

    def _break_off(self) -> NoReturn:
        self._wire.writer.transport.abort()
        raise Gone
