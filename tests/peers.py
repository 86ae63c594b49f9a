"""A scriptable SMTP server for tests: it says what the test tells it to say and records everything
it hears.

    async with SmtpPeer() as peer:                      # listens on a free loopback port, accepts everything
        peer.on("RCPT", "450 4.2.0 Greylisted")         # from now on, for every RCPT
        peer.once("MAIL", "421 4.3.2 Going down")       # for the next MAIL only, before any `on`
        peer.on(".", DROP)                              # close the connection after the final dot
        ...
        await peer.wait_for(1)                          # until that many messages were accepted
        assert peer.mails[0].content == b"Subject: x\r\n\r\nhello\r\n"

In synchronous tests `with SmtpPeer().in_thread() as peer:` runs it on a thread of its own, with
`peer.wait_for_mails(1)`.

Stages: GREETING, EHLO, HELO, STARTTLS, TLS (the handshake itself), AUTH, MAIL, RCPT, DATA, BODY
(after 354, before the final dot), "." (after the final dot), RSET, NOOP, QUIT. An action is a reply
text (lines joined by a line feed), DROP, STALL, `Deaf`, `Delay`, `Split`, `Raw`, or a callable that takes
the command line (bytes) and returns an action or None for the usual answer. It promises nothing
about speed and is no model of a good server.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.patience import PATIENCE

DEFAULT_KEYWORDS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "STARTTLS")
USUAL = {
    "GREETING": "220 peer.test ESMTP",
    "HELO": "250 peer.test",
    "STARTTLS": "220 2.0.0 Ready to start TLS",
    "AUTH": "235 2.7.0 Authenticated",
    "MAIL": "250 2.1.0 Sender ok",
    "RCPT": "250 2.1.5 Recipient ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>",
    ".": "250 2.0.0 Ok: queued",
    "RSET": "250 2.0.0 Reset",
    "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
}


@dataclass(frozen=True)
class Drop:
    """Close the connection without a word; with `reset`, by a TCP RST."""

    reset: bool = False


@dataclass(frozen=True)
class Stall:
    """Say nothing more, until the client leaves."""


@dataclass(frozen=True)
class Delay:
    """Wait, then do something else."""

    seconds: float
    then: str


@dataclass(frozen=True)
class Split:
    """Send a reply in pieces of `size` bytes, each in its own packet."""

    reply: str
    size: int = 1


@dataclass(frozen=True)
class Raw:
    """Send exactly these bytes; with `drop`, close afterwards."""

    data: bytes
    drop: bool = False


@dataclass(frozen=True)
class Deaf:
    """Read nothing more, not even from the socket; after `seconds`, close by a TCP RST."""

    seconds: float


DROP = Drop()
RESET = Drop(reset=True)
STALL = Stall()

Action = str | Deaf | Drop | Stall | Delay | Split | Raw
Script = Action | Callable[[bytes], "Action | None"]


@dataclass
class ReceivedMail:
    """One transaction that got a 2xx after its final dot. `content` has its dot-stuffing undone."""

    mail_from: str
    rcpt_to: list[str]
    content: bytes
    mail_parameters: str
    rcpt_parameters: list[str]
    helo: str
    tls: str | None
    client: tuple[str, int]
    connection: int


@dataclass
class Connection:
    """One client connection: its command lines, every byte heard after decryption, its TLS version, and whether it
    ended because a script said so."""

    number: int
    client: tuple[str, int]
    lines: list[bytes] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    tls: str | None = None
    closed: bool = False
    dropped: bool = False
    helo: str = ""
    auth: list[bytes] = field(default_factory=list)


class SmtpPeer:
    """The server. `mails`, `connections` and `commands` are what happened; `on` and `once` are what
    shall happen."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keywords: Iterable[str] = DEFAULT_KEYWORDS,
        implicit_tls: bool = False,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.keywords = list(keywords)
        self.implicit_tls = implicit_tls
        self.tls_context = tls_context
        self.mails: list[ReceivedMail] = []
        self.connections: list[Connection] = []
        self._always: dict[str, Script] = {}
        self._next: dict[str, deque[Script]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def on(self, stage: str, script: Script) -> Self:
        """Answer every following `stage` with this."""
        self._always[stage] = script
        return self

    def once(self, stage: str, script: Script) -> Self:
        """Answer the next `stage` with this; several calls queue up."""
        self._next[stage].append(script)
        return self

    def usual(self, stage: str) -> Self:
        """Forget what was scripted for a stage."""
        self._always.pop(stage, None)
        self._next.pop(stage, None)
        return self

    @property
    def commands(self) -> list[str]:
        """The verbs heard so far, over all connections in order of connections."""
        return [verb_of(line) for one in self.connections for line in one.lines]

    async def start(self) -> Self:
        """Listen; `port` is then the real one."""
        context = self._context() if self.implicit_tls else None
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=context, limit=1 << 22
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Run on an event loop in a thread of its own."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="smtp-peer", daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), loop).result(PATIENCE)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result(PATIENCE)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(PATIENCE)
            loop.close()

    async def wait_for(self, count: int, seconds: float = PATIENCE) -> list[ReceivedMail]:
        """The mails, once there are `count`; AssertionError when time is up."""
        return await asyncio.to_thread(self.wait_for_mails, count, seconds)

    def wait_for_mails(self, count: int, seconds: float = PATIENCE) -> list[ReceivedMail]:
        """As `wait_for`, blocking: only for peers in a thread, or from another thread."""
        self._wait(lambda: len(self.mails) >= count, seconds, f"{count} mails")
        return self.mails

    async def wait_closed(self, seconds: float = PATIENCE) -> None:
        """Until every connection so far is closed."""
        await asyncio.to_thread(
            self._wait, lambda: all(one.closed for one in self.connections), seconds, "closing"
        )

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        with self._changed:
            met = self._changed.wait_for(condition, seconds)
        assert met, f"the peer waited in vain for {what}; it has {len(self.mails)} mails"

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _context(self) -> ssl.SSLContext:
        return self.tls_context or server_context()

    def _script(self, stage: str, line: bytes) -> Action | None:
        queued = self._next.get(stage)
        script = queued.popleft() if queued else self._always.get(stage)
        return script(line) if callable(script) else script

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = Connection(len(self.connections), writer.get_extra_info("peername")[:2])
        self.connections.append(connection)
        try:
            await _Dialogue(self, connection, reader, writer).run()
        except (_Over, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            # After a failed handshake asyncio never says that the connection is closed.
            with contextlib.suppress(OSError, asyncio.CancelledError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            connection.closed = True
            self._tasks.discard(task)
            self._note()


class _Over(Exception):
    """The dialogue has ended."""


class _Dialogue:
    """One connection's conversation."""

    def __init__(
        self,
        peer: SmtpPeer,
        connection: Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.peer = peer
        self.connection = connection
        self.reader = reader
        self.writer = writer
        self.socket = writer.transport
        self.mail_from: str | None = None
        self.mail_parameters = ""
        self.recipients: list[tuple[str, str]] = []

    async def run(self) -> None:
        self._note_tls()
        await self.answer("GREETING", b"")
        while True:
            line = await self._line()
            self.connection.lines.append(line.rstrip(b"\r\n"))
            verb = verb_of(line)
            step = getattr(self, f"do_{verb.lower()}", None)
            if step is None:
                await self._say("502 5.5.1 Unknown command")
            else:
                await step(line)

    async def do_ehlo(self, line: bytes) -> None:
        self.connection.helo = line[5:].strip().decode("utf-8", "replace")
        keywords = [
            word
            for word in self.peer.keywords
            if not (word == "STARTTLS" and self.connection.tls is not None)
        ]
        await self.answer("EHLO", line, "\n".join(["250 peer.test", *keywords]))
        self._reset()

    async def do_helo(self, line: bytes) -> None:
        self.connection.helo = line[5:].strip().decode("utf-8", "replace")
        await self.answer("HELO", line)
        self._reset()

    async def do_starttls(self, line: bytes) -> None:
        if not await self.answer("STARTTLS", line):
            return
        broken = self.peer._script("TLS", line)
        if broken is not None:
            await self.reader.read(1)  # the client has begun: what follows is no answer to STARTTLS
            await self._act(broken)
            raise _Over
        await self.writer.start_tls(self.peer._context())
        self._note_tls()

    async def do_auth(self, line: bytes) -> None:
        self.connection.auth.append(line.rstrip(b"\r\n"))
        words = line.split()
        prompts = {b"LOGIN": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"], b"PLAIN": ["334 "]}
        asked = prompts.get(words[1].upper(), []) if len(words) > 1 else []
        for prompt in asked[max(0, len(words) - 2) :]:
            await self._say(prompt)
            self.connection.auth.append((await self._line()).rstrip(b"\r\n"))
        await self.answer("AUTH", line)

    async def do_mail(self, line: bytes) -> None:
        if await self.answer("MAIL", line):
            self.mail_from, self.mail_parameters = path_of(line)

    async def do_rcpt(self, line: bytes) -> None:
        usual = USUAL["RCPT"] if self.mail_from is not None else "503 5.5.1 MAIL first"
        if await self.answer("RCPT", line, usual):
            self.recipients.append(path_of(line))

    async def do_data(self, line: bytes) -> None:
        usual = USUAL["DATA"] if self.recipients else "503 5.5.1 No valid recipients"
        if not await self.answer("DATA", line, usual):
            return
        script = self.peer._script("BODY", line)
        if script is not None:
            await self._act(script)
        content = await self._content()
        if await self.answer(".", content) and self.recipients:
            self._keep(content)
        self._reset()

    async def do_rset(self, line: bytes) -> None:
        self._reset()
        await self.answer("RSET", line)

    async def do_noop(self, line: bytes) -> None:
        await self.answer("NOOP", line)

    async def do_quit(self, line: bytes) -> None:
        await self.answer("QUIT", line)
        raise _Over

    async def answer(self, stage: str, line: bytes, usual: str | None = None) -> bool:
        """Say what the script or else custom wants; True when it was positive."""
        action = self.peer._script(stage, line)
        if action is None:
            action = usual if usual is not None else USUAL[stage]
        return await self._act(action)

    async def _act(self, action: Action) -> bool:
        if isinstance(action, str):
            return await self._say(action)
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
            return await self._say(action.then)
        if isinstance(action, Split):
            return await self._say_split(wire(action.reply), action.size)
        if isinstance(action, Raw):
            return await self._say_raw(action)
        self.connection.dropped = True
        await self._leave(action)
        raise _Over

    async def _leave(self, action: Deaf | Drop | Stall) -> None:
        if isinstance(action, Deaf):
            self.socket.pause_reading()
            await asyncio.sleep(action.seconds)
            self.socket.abort()
        elif isinstance(action, Stall):
            while await self.reader.read(65536):
                pass
        elif action == RESET:
            self.writer.transport.abort()

    async def _say_split(self, data: bytes, size: int) -> bool:
        for start in range(0, len(data), size):
            self.writer.write(data[start : start + size])
            await self.writer.drain()
            await asyncio.sleep(0)
        return data[:1] in b"23"

    async def _say_raw(self, raw: Raw) -> bool:
        self.writer.write(raw.data)
        await self.writer.drain()
        if raw.drop:
            raise _Over
        return raw.data[:1] in (b"2", b"3")

    async def _say(self, reply: str) -> bool:
        self.writer.write(wire(reply))
        await self.writer.drain()
        if reply.startswith("421"):
            raise _Over
        return reply[:1] in "23"

    async def _line(self) -> bytes:
        line = await self.reader.readuntil(b"\n")
        self.connection.heard += line
        return line

    async def _content(self) -> bytes:
        lines: list[bytes] = []
        while True:
            line = await self._line()
            if line == b".\r\n" and (not lines or lines[-1].endswith(b"\r\n")):
                return b"".join(one[1:] if one.startswith(b".") else one for one in lines)
            lines.append(line)

    def _keep(self, content: bytes) -> None:
        connection = self.connection
        self.peer.mails.append(
            ReceivedMail(
                self.mail_from or "",
                [address for address, _ in self.recipients],
                content,
                self.mail_parameters,
                [parameters for _, parameters in self.recipients],
                connection.helo,
                connection.tls,
                connection.client,
                connection.number,
            )
        )
        self.peer._note()

    def _note_tls(self) -> None:
        secure = self.writer.get_extra_info("ssl_object")
        self.connection.tls = secure.version() if secure is not None else None

    def _reset(self) -> None:
        self.mail_from, self.mail_parameters, self.recipients = None, "", []


def wire(reply: str) -> bytes:
    """`250 a\\nb` as `250-a`, `250 b`; a reply that is already several coded lines is left
    alone."""
    first, *rest = reply.split("\n")
    code = first[:3]
    lines = [first[4:], *rest]
    last = len(lines) - 1
    text = [f"{code}{' ' if n == last else '-'}{line}\r\n" for n, line in enumerate(lines)]
    return "".join(text).encode("utf-8", "surrogateescape")


def verb_of(line: bytes) -> str:
    """The upper-case verb of a command line."""
    words = line.split(None, 1)
    return words[0].decode("latin-1").upper() if words else ""


def path_of(line: bytes) -> tuple[str, str]:
    """Address and parameters of a MAIL or RCPT line."""
    text = line.rstrip(b"\r\n").decode("utf-8", "replace")
    _, _, rest = text.partition("<")
    address, _, parameters = rest.rpartition(">")
    return address, parameters.strip()


@functools.cache
def certificate() -> tuple[TemporaryDirectory[str], Path, Path]:
    """A self-signed certificate for peer.test, localhost and 127.0.0.1: folder (kept), certificate
    and key files."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer.test")])
    names = [
        x509.DNSName("peer.test"),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = TemporaryDirectory(prefix="smtp-peer-")
    cert_file, key_file = Path(folder.name, "cert.pem"), Path(folder.name, "key.pem")
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder, cert_file, key_file


@functools.cache
def server_context() -> ssl.SSLContext:
    """The peer's side of TLS with `certificate()`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _, cert_file, key_file = certificate()
    context.load_cert_chain(cert_file, key_file)
    return context


def trusting_context() -> ssl.SSLContext:
    """A client context that verifies and trusts `certificate()` alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate()[1])
    return context
