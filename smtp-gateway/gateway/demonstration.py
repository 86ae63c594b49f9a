"""The gateway alone, for benchmarks and first tries: one organization, server, domain, key and route, all in memory.

What is accepted is kept nowhere: bodies and queue items are counted and dropped, so that a long benchmark does not fill
memory. Directory, numbers, authentication and every accept step are the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.ids import key_digest, new_key
from chalicelib.domain.model import BlobRef, Message
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.credentials import CREDENTIALS, Credential, CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import Intake, Mail
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.authorise_sender import AuthoriseSender
from chalicelib.services.outgoing.choose_pool import ChoosePool
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.options import ChooseOptions
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.rates import Rates
from gateway.site import Services

ORGANIZATION = OrganizationId(1)
SERVER = ServerId(1)


class CountedIntake(Intake):
    """Takes over mail and keeps nothing of it."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0

    async def store(
        self, batch: Sequence[Mail], now: float
    ) -> list[tuple[tuple[Message, bool], ...]]:
        """Count messages and bytes."""
        stored = []
        for mail in batch:
            length = len(mail.body or b"")
            messages = mail.messages_at(BlobRef("dropped", 0, length))
            stored.append(tuple((message, True) for message in messages))
            self.messages += len(messages)
            self.bytes += length
        return stored


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
    token, mode = "demo0000", RouteMode.ACCEPT
    route = Route("demo-route", SERVER, "demo-route", 1, "*", domain, token, now, mode)
    await store.add(ROUTES, route)
    digest = key_digest(key)
    credential = Credential("demo-key", SERVER, CredentialKind.SMTP, "Demo", now, digest=digest)
    await store.add(CREDENTIALS, credential)
    mail = StoreMail(program[Clock], program[MessageNumbers], CountedIntake())
    accept = AcceptMail(
        program.settings,
        program[Clock],
        program[AuthoriseSender],
        program[MessageNumbers],
        mail,
        program[ChoosePool],
        program[ChooseOptions],
    )
    incoming = AcceptIncoming(
        program.settings, program[Clock], program[MessageNumbers], mail, program[Rates]
    )
    services = replace(program[Services], accept=accept, incoming=incoming, store=mail)
    return Demonstration(services, domain, key)
