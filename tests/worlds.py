"""A ready in-memory Posthorn for tests: organization acme, server app, domain acme.test with real keys, credentials.

Keys are made once a process, because RSA generation would be most of every test's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module

from chalicelib.adapters.crypto.keys import CryptographyKeyMaker
from chalicelib.adapters.families import PORTS
from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock, SeededRand
from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import HandedOut, SqliteWorkQueue
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.adapters.storage.intake import OrderedIntake
from chalicelib.bootstrap import Parts, Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.model import TRANSACTIONAL, Message, MessageRecord
from chalicelib.domain.suppression import Asked, Suppression
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.intake import Intake
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.limits.release import ReleaseHeld
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers

CONTENT = (
    b"From: App <app@acme.test>\r\nTo: john@example.com\r\nSubject: Hello\r\n"
    b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\nMessage-ID: <one@acme.test>\r\n\r\nHello, John.\r\n"
)


class KeptKeys:
    """A key maker that makes one key of each algorithm in the life of the process."""

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        """The kept key."""
        found = _made.get(algorithm)
        if found is None:
            found = _made[algorithm] = await CryptographyKeyMaker().make(algorithm)
        return found


_made: dict[str, tuple[bytes, str]] = {}
# What the adapters of one installation in memory stand on.
STORES = (StateFolder, ControlDatabase, MailDatabase, Segments)


@dataclass
class Scene:
    """The program and the tenant in it."""

    posthorn: Posthorn
    organization: Organization
    server: Server
    domain: Domain
    principal: Principal
    smtp_key: str
    api_key: str
    sent: list[Message] = field(default_factory=list)

    @property
    def clock(self) -> ControlledClock:
        return self.posthorn[ControlledClock]

    @property
    def egress(self) -> ScriptedEgress:
        return self.posthorn[ScriptedEgress]

    @property
    def queue(self) -> SqliteWorkQueue:
        return self.posthorn[SqliteWorkQueue]

    def submission(self, *recipients: str, content: bytes = CONTENT) -> Submission:
        """A submission from app@acme.test."""
        to = tuple(Recipient(address) for address in recipients or ("john@example.com",))
        return Submission(self.principal, "app@acme.test", to, content)

    async def accept(self, *recipients: str, content: bytes = CONTENT) -> tuple[Message, ...]:
        """Submit a message."""
        accepted = await self.posthorn[AcceptMail].submit(
            self.submission(*recipients, content=content)
        )
        self.sent += accepted
        return accepted

    async def deliver_ready(self) -> int:
        """Run attempts for everything the queue gives out now; returns how many wake-ups were worked on."""
        received: list[HandedOut] = []
        while batch := await self.queue.receive(self.server.pool, 10):
            received += batch
        wakeups = [ReceivedJob(each.job, each.receipt) for each in received]
        left = await self.posthorn[AttemptDelivery].run(self.posthorn[SendOutgoing], wakeups)
        for each in received:
            if each.receipt not in left:
                await self.queue.delete([each.receipt])
        return len(received)

    async def play(self, seconds: float, step: float = 60.0) -> None:
        """Let time pass: deliver and sweep every `step` seconds."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            await self.deliver_ready()
            await self.sweep()
            self.clock.advance(min(step, end - self.clock.now()))
        await self.sweep()
        await self.deliver_ready()

    async def sweep(self) -> None:
        """What happens each minute: what is due is woken, what limits hold is let go."""
        await self.posthorn[Sweep].run()
        await self.posthorn[ReleaseHeld].run()

    async def record(self, accepted: Message) -> MessageRecord:
        """The stored record of an accepted message, with its whole log."""
        server = self.server.id
        found = await self.posthorn[MessageStore].get(server, accepted.id)
        return replace(
            found, deliveries=await self.posthorn[MessageStore].deliveries(server, accepted.id)
        )

    async def suppressed(self, address: str, stream: str = TRANSACTIONAL) -> Suppression | None:
        """The entry that acts on mail to an address."""
        server = self.server
        asked = Asked(server.id, server.organization_id, address, stream)
        found = await self.posthorn[SuppressionList].listed([asked], self.clock.now())
        return found.get(asked)

    async def change_server(self, **options: object) -> None:
        """Change options of the server."""
        now = replace(ServerOptions.of(self.server), **options)
        self.server = await self.posthorn[Servers].update(self.server, now)


async def make_scene(
    settings: Settings | None = None,
    *,
    seed: int = 1,
    server: ServerOptions | None = None,
    credential: CredentialOptions | None = None,
    named: str = "App",
    domain: str = "acme.test",
    parts: Parts | None = None,
    on_aws: Settings | None = None,
    kept: tuple[str, Settings] | None = None,
) -> Scene:
    """A fresh scene; `named` is the server's name, `parts` stand in place of those in memory. With `on_aws`, or `kept`
    by a family of adapters, it is kept where those settings say, in the same scripted world."""
    given = {Rand: SeededRand(seed), KeyMaker: KeptKeys()}
    kept = kept or (("aws", on_aws) if on_aws else None)
    if kept is None:
        posthorn = in_memory(settings, {**given, **(parts or {})})
    else:
        scripted = scripted_parts(live=False)
        posthorn = Posthorn(kept[1], kept[0], {**scripted, **given, **(parts or {})})
    return await furnished(
        posthorn, server=server, credential=credential, named=named, domain=domain
    )


async def furnished(
    posthorn: Posthorn,
    *,
    server: ServerOptions | None = None,
    credential: CredentialOptions | None = None,
    named: str = "App",
    domain: str = "acme.test",
) -> Scene:
    """A scene in a program that has nothing yet, whose world is scripted."""
    await posthorn[Installation].ensure()
    organization = await posthorn[Organizations].create("Acme")
    made = await posthorn[Servers].create(organization, named, options=server)
    trusted = await posthorn[Domains].trust(await posthorn[Domains].add(made, domain))
    smtp, smtp_key = await posthorn[Credentials].create(
        made, CredentialKind.SMTP, "smtp", credential
    )
    _, api_key = await posthorn[Credentials].create(made, CredentialKind.API, "api")
    await posthorn[Repository].add(SOURCES, EgressSource("default"))
    for name in ("example.com", "example.net", "example.org"):
        publish(posthorn, name)
    return Scene(posthorn, organization, made, trusted, Principal(made, smtp), smtp_key, api_key)


def publish(posthorn: Posthorn, domain: str, address: str = "93.184.216.34") -> None:
    """Give a domain one MX host with one public address."""
    posthorn[ScriptedResolver].zone[domain] = {"MX": [(10, f"mx.{domain}")]}
    posthorn[ScriptedResolver].zone[f"mx.{domain}"] = {"A": [address]}


def beside(posthorn: Posthorn, parts: Parts, settings: Settings | None = None) -> Posthorn:
    """Another process of an installation in memory: the same adapters, but for `parts`, and services of its own."""
    ports = [
        getattr(import_module(f"chalicelib.ports.{module}"), name)
        for module, name in (place.split(".") for place in PORTS)
    ]
    same = {part: posthorn[part] for part in (*STORES, *ports)}
    return in_memory(settings or posthorn.settings, {**same, **parts})


def storing_in_order(posthorn: Posthorn, parts: Parts) -> Posthorn:
    """Another process that takes mail over store by store, as on AWS: the same adapters, but for `parts`."""
    other = beside(posthorn, parts)
    return beside(other, {Intake: other[OrderedIntake]})
