"""The gateway alone, for benchmarks and first tries: one organization, server, domain and key, all in memory.

What is accepted is kept nowhere: bodies and queue items are counted and dropped, so that a long benchmark does not fill
memory. Directory, numbers, authentication and every accept step are the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import key_digest, new_key
from chalicelib.domain.model import BlobRef, DeliveryJob, Message
from chalicelib.domain.tenancy.entities import (
    CREDENTIALS,
    DOMAINS,
    ORGANIZATIONS,
    SERVERS,
    Credential,
    CredentialKind,
    Domain,
    Organization,
    OrganizationId,
    Server,
    ServerId,
)
from chalicelib.ports.blobs import UploadTicket
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.authorise_sender import AuthoriseSender
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.store import StoreMail
from gateway.site import Services

ORGANIZATION = OrganizationId(1)
SERVER = ServerId(1)


class CountedBlobs:
    """A `BlobStore` that keeps nothing."""

    def __init__(self) -> None:
        self.bytes = 0

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Count the bytes; one reference a body."""
        refs, offset = [], 0
        for body in bodies:
            refs.append(BlobRef(f"dropped/{server}", offset, len(body)))
            offset += len(body)
        self.bytes += offset
        return refs

    async def get(self, ref: BlobRef) -> bytes:
        """Nothing is kept."""
        raise NotFound("Nothing is kept here")

    async def link(self, ref: BlobRef, seconds: int) -> str | None:
        """Nothing is kept."""
        raise NotFound("Nothing is kept here")

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """Nothing is taken."""
        raise NotFound("Nothing is kept here")

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """Nothing was taken."""
        raise NotFound("Nothing is kept here")


class CountedQueue:
    """A `WorkQueue` that nobody reads."""

    longest_wait = 900

    def __init__(self) -> None:
        self.items = 0

    async def wake(self, queue: str, jobs: Sequence[DeliveryJob], at: float = 0) -> None:
        """Count the jobs."""
        self.items += len(jobs)

    async def extend_visibility(self, queue: str, receipt: str, seconds: int) -> None:
        """There is nothing to hide."""

    async def pools(self) -> tuple[str, ...]:
        """Every server is in the default pool."""
        return ("default",)


class CountedMessages:
    """The one verb of a `MessageStore` that accepting needs."""

    def __init__(self) -> None:
        self.messages = 0

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Count the messages."""
        self.messages += len(messages)
        return [True] * len(messages)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The services of a demonstration, its sending domain and its key."""

    services: Services
    domain: str
    key: str


async def demonstration(program: Posthorn) -> Demonstration:
    """Fill an in-memory program with one tenant and replace its stores."""
    domain, key = "demo.test", new_key(program[Rand].bytes(64))
    store, now = program[Repository], int(program[Clock].now())
    organization = Organization(ORGANIZATION, "demo", "Demo", "demo-org", now)
    await store.add(ORGANIZATIONS, organization)
    server = Server(SERVER, ORGANIZATION, "demo", "demo", "Demo", "demo00", "demo-server", now)
    await store.add(SERVERS, server)
    sending = Domain(domain, ORGANIZATION, SERVER, "demo-domain", now, "", "", verified_at=now)
    await store.add(DOMAINS, sending)
    digest = key_digest(key)
    credential = Credential("demo-key", SERVER, CredentialKind.SMTP, "Demo", now, digest=digest)
    await store.add(CREDENTIALS, credential)
    mail = StoreMail(
        program[Clock],
        program[MessageNumbers],
        CountedBlobs(),
        CountedQueue(),
        CountedMessages(),  # type: ignore[arg-type]  # accepting calls no other verb
    )
    accept = AcceptMail(
        program.settings,
        program[Clock],
        program[AuthoriseSender],
        program[MessageNumbers],
        mail,
    )
    return Demonstration(replace(program[Services], accept=accept), domain, key)
