"""A ready in-memory Posthorn for tests: organization acme, server app, domain acme.test with real keys, credentials.

Keys are made once a process, because RSA generation would be most of every test's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chalicelib.adapters.keys import CryptographyKeyMaker
from chalicelib.adapters.memory import ControlledClock, MemoryWorld, ScriptedEgress, SeededRand
from chalicelib.adapters.memory.queue import MemoryWorkQueue, ReceivedItem
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.tenancy import CredentialKind, Domain, EgressSource, Organization, Server
from chalicelib.services.accept import Accepted, Recipient, Submission
from chalicelib.services.accounts import CredentialOptions, ServerOptions
from chalicelib.services.attempt import WakeUp
from chalicelib.services.authenticate import Grant

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


@dataclass
class Scene:
    """The program, what is around it and the tenant in it."""

    posthorn: Posthorn
    world: MemoryWorld
    organization: Organization
    server: Server
    domain: Domain
    grant: Grant
    smtp_key: str
    api_key: str
    sent: list[Accepted] = field(default_factory=list)

    @property
    def clock(self) -> ControlledClock:
        assert isinstance(self.world.clock, ControlledClock)
        return self.world.clock

    @property
    def egress(self) -> ScriptedEgress:
        return self.world.egress

    @property
    def queue(self) -> MemoryWorkQueue:
        return self.world.queue

    def submission(self, *recipients: str, content: bytes = CONTENT) -> Submission:
        """A submission from app@acme.test."""
        to = tuple(Recipient(address) for address in recipients or ("john@example.com",))
        return Submission(self.grant, "app@acme.test", to, content)

    async def accept(self, *recipients: str, content: bytes = CONTENT) -> tuple[Accepted, ...]:
        """Submit a message."""
        accepted = await self.posthorn.accept.submit(self.submission(*recipients, content=content))
        self.sent += accepted
        return accepted

    async def deliver_ready(self) -> int:
        """Run attempts for everything the queue gives out now; returns how many wake-ups were worked on."""
        received: list[ReceivedItem] = []
        while batch := await self.queue.receive(self.server.pool, 10):
            received += batch
        wakeups = [WakeUp(each.item, each.receipt) for each in received]
        left = await self.posthorn.attempt.run(wakeups)
        for each in received:
            if each.receipt not in left:
                await self.queue.delete(self.server.pool, each.receipt)
        return len(received)

    async def play(self, seconds: float, step: float = 60.0) -> None:
        """Let time pass: deliver and sweep every `step` seconds."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            await self.deliver_ready()
            await self.posthorn.retry_due.run()
            self.clock.advance(min(step, end - self.clock.now()))
        await self.posthorn.retry_due.run()
        await self.deliver_ready()

    async def record(self, accepted: Accepted) -> MessageRecord:
        """The stored record of an accepted message, with its whole log."""
        server = self.server.id
        found = await self.world.messages.get(server, accepted.id)
        return replace(found, deliveries=await self.world.messages.deliveries(server, accepted.id))

    async def change_server(self, **options: object) -> None:
        """Change options of the server."""
        now = replace(ServerOptions.of(self.server), **options)
        self.server = await self.posthorn.accounts.update_server(self.server, now)


async def make_scene(
    settings: Settings | None = None,
    *,
    seed: int = 1,
    server: ServerOptions | None = None,
    credential: CredentialOptions | None = None,
    named: str = "App",
    domain: str = "acme.test",
    world: MemoryWorld | None = None,
) -> Scene:
    """A fresh scene; `named` is the server's name."""
    world = world or MemoryWorld(rand=SeededRand(seed))
    posthorn = in_memory(settings, world)
    posthorn.keys = KeptKeys()
    await posthorn.installation.ensure()
    tenants = posthorn.accounts
    organization = await tenants.create_organization("Acme")
    made = await tenants.create_server(organization, named, options=server)
    trusted = await posthorn.domains.trust(await posthorn.domains.add(made, domain))
    smtp, smtp_key = await tenants.create_credential(made, CredentialKind.SMTP, "smtp", credential)
    _, api_key = await tenants.create_credential(made, CredentialKind.API, "api")
    await posthorn.accounts_store.add_egress_source(EgressSource("default"))
    for name in ("example.com", "example.net", "example.org"):
        publish(world, name)
    return Scene(posthorn, world, organization, made, trusted, Grant(made, smtp), smtp_key, api_key)


def publish(world: MemoryWorld, domain: str, address: str = "93.184.216.34") -> None:
    """Give a domain one MX host with one public address."""
    world.resolver.zone[domain] = {"MX": [(10, f"mx.{domain}")]}
    world.resolver.zone[f"mx.{domain}"] = {"A": [address]}
