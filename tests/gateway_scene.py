"""A running gateway on real sockets and ports in memory, and an SMTP client that sends exactly what it is told.

Every listener has a port that the system chose; the certificate is made once a process.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.credentials import BareNewlines
from chalicelib.ports.blobs import BlobStore
from chalicelib.services.tenancy.credentials import CredentialOptions
from gateway.configuration import Configuration, Role
from gateway.journal import Journal
from gateway.server import Gateway
from gateway.site import Services, Site
from gateway.tls import ServerCertificate, server_certificate
from tests.patience import PATIENCE
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

HOST = "mail.acme-host.test"
QUICK = Configuration(
    mx_port=0,
    submission_port=0,
    submissions_port=0,
    max_connections=1_000,
    max_connections_per_client=100,
    max_buffered=64 * 1024 * 1024,
    commits_in_flight=16,
    allow_plain_auth=True,
    auth_delay_seconds=0.0,
    shutdown_seconds=5.0,
)
_folder = tempfile.TemporaryDirectory()
MAIL = b"From: App <app@acme.test>\r\nSubject: Hello\r\n\r\nHello\r\n"


@functools.cache
def self_signed() -> ServerCertificate:
    """A self-signed certificate, whose files stay as long as the process."""
    quiet = Journal(io.StringIO(), lambda: 0.0, addresses=False)
    configuration = replace(QUICK, state=_folder.name)
    return server_certificate(configuration, HOST, lambda: 1_800_000_000.0, quiet)


def trusting_context() -> ssl.SSLContext:
    """A client context that believes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Said:
    """One reply."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> Said:
        """The next reply; ConnectionError at the end of the connection."""
        lines = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"closed after {line!r}")
            lines.append(line[4:-2].decode())
            if line[3:4] == b" ":
                return Said(int(line[:3]), tuple(lines))

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def say(self, line: str | bytes) -> Said:
        """Send a line and read one reply."""
        await self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)

    async def is_left(self) -> bool:
        """Whether the server closes without a word; it resets the connection when bytes came that it has not read."""
        try:
            return await self.rest() == b""
        except ConnectionResetError:
            return True

    async def start_tls(self, context: ssl.SSLContext | None = None, name: str = "") -> None:
        """STARTTLS and the handshake, which believes any certificate unless a context says whom."""
        assert (await self.say("STARTTLS")).code == 220
        await self.writer.start_tls(context or trusting_context(), server_hostname=name or None)

    async def log_in(self, key: str) -> Said:
        """EHLO and AUTH PLAIN."""
        await self.say("EHLO client.test")
        return await self.say("AUTH PLAIN " + plain(key))

    async def envelope(self, *recipients: str, mail_from: str = "app@acme.test") -> Said:
        """MAIL and RCPT; the last reply."""
        said = await self.say(f"MAIL FROM:<{mail_from}>")
        for recipient in recipients or ("john@example.com",):
            said = await self.say(f"RCPT TO:<{recipient}>")
        return said

    async def data(self, content: bytes = MAIL) -> Said:
        """DATA with content that is stuffed and ended here."""
        said = await self.say("DATA")
        if said.code != 354:
            return said
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        return await self.say(stuffed + b".")

    async def submit(self, content: bytes = MAIL, *recipients: str) -> Said:
        """A whole transaction."""
        await self.envelope(*recipients)
        return await self.data(content)

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


def plain(key: str, username: str = "anybody") -> str:
    """The initial response of AUTH PLAIN."""
    return base64.b64encode(f"\0{username}\0{key}".encode()).decode()


def encoded(text: str) -> str:
    """Base64."""
    return base64.b64encode(text.encode()).decode()


class RunningGateway:
    """A gateway and what is behind it."""

    def __init__(self, gateway: Gateway, scene: Scene, log: io.StringIO) -> None:
        self.gateway = gateway
        self.scene = scene
        self.key = scene.smtp_key
        self._log = log
        self._clients: list[Client] = []

    @property
    def site(self) -> Site:
        """What its sessions share."""
        return self.gateway.site

    def port(self, role: Role = Role.SUBMISSION) -> int:
        """The port of a listener."""
        return self.gateway.ports[role]

    async def connect(self, role: Role = Role.SUBMISSION, *, greet: bool = True) -> Client:
        """A connection, past its greeting unless told otherwise."""
        secure = trusting_context() if role is Role.SUBMISSIONS else None
        opened = await asyncio.open_connection("127.0.0.1", self.port(role), ssl=secure)
        client = Client(*opened)
        self._clients.append(client)
        if greet:
            assert (await client.reply()).code == 220
        return client

    async def logged_in(self, role: Role = Role.SUBMISSION) -> Client:
        """A connection that is authenticated."""
        client = await self.connect(role)
        assert (await client.log_in(self.key)).code == 235
        return client

    def messages(self) -> list[Message]:
        """Every stored message, oldest first."""
        return all_messages(self.scene.posthorn)

    async def contents(self) -> list[bytes]:
        """What each stored message's client sent: the stored bytes without our Received field."""
        bodies = [
            await self.scene.posthorn[BlobStore].get(message.blob) for message in self.messages()
        ]
        assert all(body.startswith(b"Received: ") for body in bodies)
        return [body.partition(b"\r\n")[2] for body in bodies]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Log entries of one kind."""
        self.site.journal.flush()
        entries = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return [entry for entry in entries if entry["event"] == name]

    @property
    def log_text(self) -> str:
        """The whole log."""
        self.site.journal.flush()
        return self._log.getvalue()

    async def settled(self) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(PATIENCE):
            while self.gateway.open.total:
                await asyncio.sleep(0.005)

    def hang_up(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def running_gateway(
    configuration: Configuration = QUICK,
    *,
    largest: int = 1_048_576,
    recipients: int = 10,
    credential: CredentialOptions | None = None,
    scene: Scene | None = None,
    stand_in: bool = False,
    **changes: Any,
) -> AsyncIterator[RunningGateway]:
    """A gateway that runs while the block does. `changes` are fields of the configuration; a `scene` that is given
    brings its own settings and credential. `stand_in` is for a pair that cannot be used."""
    settings = Settings(smtp_hostname=HOST, max_message_size=largest, max_recipients=recipients)
    if scene is None:
        scene = await make_scene(settings, credential=credential)
    settings = scene.posthorn.settings
    log = io.StringIO()
    journal = Journal(log, scene.clock.now, addresses=False)
    configuration, certificate = replace(configuration, **changes), self_signed()
    if configuration.tls_certificate:
        certificate = server_certificate(
            configuration, HOST, scene.clock.now, journal, stand_in=stand_in
        )
    site = Site(configuration, settings, scene.posthorn[Services], journal, certificate)
    running = RunningGateway(Gateway(site), scene, log)
    await running.gateway.start()
    try:
        yield running
    finally:
        running.hang_up()
        await running.gateway.stop()


NORMALISING = CredentialOptions(bare_newlines=BareNewlines.NORMALISE)
