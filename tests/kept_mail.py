"""A state folder with a tenant in it, mail in every state, and all that is kept beside mail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib.adapters.sqlite.blobs import SegmentBlobStore
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.jobs import Job
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing
from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, Status
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.periods import Period
from chalicelib.domain.rates import DNS
from chalicelib.domain.send_options import NOTHING_SAID, SendOptions
from chalicelib.domain.statistics import Addition, Count, Slot
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.send_limits import Period as Span
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.event_log import EventLog, Numbered
from chalicelib.ports.greylist import Greylist
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.progress import Progress
from chalicelib.ports.rate_counters import RateCounters
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.fakes import a_report
from tests.listed import list_new
from tests.web_client import bring
from tests.webhook_events import a_delivery as a_webhook_delivery
from tests.worlds import KeptKeys


@dataclass
class Host:
    """The program on a state folder, and who may send."""

    folder: Path
    posthorn: Posthorn
    server: Server
    principal: Principal
    key: str

    async def accept(
        self, *recipients: str, words: str = "Hello.", options: SendOptions = NOTHING_SAID
    ) -> tuple[Message, ...]:
        """Store a message."""
        to = tuple(Recipient(address) for address in recipients or ("john@example.com",))
        content = f"From: app@acme.test\r\nSubject: Hi\r\n\r\n{words}\r\n".encode()
        submission = Submission(self.principal, "app@acme.test", to, content, options=options)
        return await self.posthorn[AcceptMail].submit(submission)

    async def record(self, message: Message) -> MessageRecord:
        """As it is stored."""
        return await self.posthorn[MessageStore].get(message.server_id, message.id)

    async def body(self, message: Message) -> bytes:
        """Its bytes."""
        return await self.posthorn[BlobStore].get(message.blob)

    async def lease(self, message: Message, owner: str = "p-1-9") -> MessageRecord:
        """Claim it for five minutes."""
        now = int(self.posthorn[Clock].now())
        job = DeliveryJob(message, 0)
        found = await self.posthorn[MessageStore].claim(job, owner, now, now + 300)
        assert isinstance(found, MessageRecord)
        return found

    async def finish(self, message: Message, links: int | None = None) -> None:
        """Have it delivered."""
        before = await self.lease(message)
        (number,) = await self.posthorn[Numbers].take(self.server.id, "delivery", 1)
        delivery = Delivery(number, Status.SENT, "Taken", self.now)
        after = replace(lifecycle.done(before, delivery), links=links)
        assert await self.posthorn[MessageStore].replace(before, after)

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.posthorn[Clock].now()


def opened(folder: Path, keys: KeyMaker | None = None) -> Posthorn:
    """The program as another process sees the folder."""
    parts = {KeyMaker: keys or KeptKeys()}
    return Posthorn(Settings(state_folder=str(folder)), "sqlite", parts)


async def make_host(folder: Path, keys: KeyMaker | None = None) -> Host:
    """A fresh state folder with acme's server App."""
    posthorn = opened(folder, keys)
    await posthorn[Installation].ensure()
    organization = await posthorn[Organizations].create("Acme")
    server = await posthorn[Servers].create(organization, "App")
    await posthorn[Domains].trust(await posthorn[Domains].add(server, "acme.test"))
    credential, key = await posthorn[Credentials].create(server, CredentialKind.SMTP, "smtp")
    await posthorn[Repository].add(SOURCES, EgressSource("default"))
    return Host(folder, posthorn, server, Principal(server, credential), key)


async def fill(host: Host) -> dict[str, Message]:
    """Mail in every state, by name, and something in every other table."""
    names = ("waiting", "leased", "done", "held")
    mail = {name: (await host.accept(words=f"I am {name}."))[0] for name in names}
    scheduled = SendOptions("broadcast", {"order": "17"}, host.now + 30 * 86_400)
    mail["scheduled"] = (await host.accept(words="I am scheduled.", options=scheduled))[0]
    await host.lease(mail["leased"])
    await host.finish(mail["done"], links=1)
    before = await host.lease(mail["held"])
    delivery = Delivery(900, Status.HELD, "Held by hand", host.now)
    after = lifecycle.held(before, delivery, int(host.now) + 86_400)
    assert await host.posthorn[MessageStore].replace(before, after)
    server, message, later = host.server.id, mail["done"].id, int(host.now) + 86_400
    await host.posthorn[Engagement].keep_links(server, message, ["https://a.test/"], later)
    await host.posthorn[Engagement].keep_links(
        server, mail["leased"].id, ["https://b.test/"], later
    )
    link = UnsubscribeLink(server, message, "john@example.com", "news", later)
    await host.posthorn[UnsubscribeLinks].keep(link)
    token = ImportedToken(server, "Hiv3AHdJniF7Cp5G", message, later, 0, "john@example.com")
    await host.posthorn[ImportedTokens].keep([token])
    hit = EngagementEvent(EngagementKind.CLICK, host.now, "192.0.2.1", "Mozilla", "https://a.test/")
    await host.posthorn[Engagement].record(server, message, hit, later)
    entry = Suppression("gone@example.com", "bounced", host.now, later)
    await list_new(host.posthorn[SuppressionList], server, [entry])
    job = Job("jba", "export", "acme/app", "{}", "ada", host.now)
    await host.posthorn[Jobs].add(server, job)
    await host.posthorn[Jobs].write_down(server, job, 0, ["1"])
    await host.posthorn[Reports].add(server, a_report(1, message, mail["held"].id, host.now))
    posted = a_webhook_delivery(server, 1, created_at=host.now)
    await host.posthorn[WebhookDeliveries].add([posted])
    await host.posthorn[WebhookLanes].wake([LaneJob(server, posted.webhook)], later)
    limit = Limit(LimitOwner(OwnerKind.SERVER, server), Span.HOUR, 5)
    await host.posthorn[SendLimits].take([limit], 1, host.now)
    standing = Standing.of(mail["held"], 9)
    await host.posthorn[LimitLines].enter(limit, standing, host.now + 3_600)
    await host.posthorn[RateCounters].take(DNS, "once", host.now)
    await host.posthorn[Greylist].met("once", host.now)
    await host.posthorn[IdempotencyKeys].begin(server, "once", "f", host.now)
    await host.posthorn[IdempotencyKeys].complete(server, "once", 200, "{}")
    slot = Slot(server, Period.HOUR, int(host.now) // 3_600 * 3_600)
    await host.posthorn[Statistics].add("mail", slot, [Addition("1", {Count.OUTGOING: 1})])
    for number, days in enumerate((70, 1, 0)):
        hour = slot.start - days * 86_400
        group = ((Dimension.TAG, f"t{number}"), (Dimension.DOMAIN, "example.com"))
        grouped = GroupAddition(str(number + 1), hour, group, {Count.OUTGOING: 1})
        await host.posthorn[GroupCounts].add("mail", server, [grouped])
    happened = Occurrence(EventType.SUPPRESSION_ADDED, server, host.now, "once", detail="{}")
    await host.posthorn[Happenings].note([happened])
    await host.posthorn[Progress].put("retention", "{}")
    await host.posthorn[EventLog].append("mail", server, [Numbered("1", happened)])
    await host.posthorn[EventFeed].move(1)
    blobs = host.posthorn[SegmentBlobStore]
    ticket = await blobs.ticket(server, 5, host.now)
    await bring(host.posthorn, ticket, secrets.token_bytes(5))
    return mail
