"""An address is erased wherever it lies, what stays stays as its hash, and a second run finds nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.adapters.system.faults import raising
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.changes import MessageChange
from chalicelib.domain.delivery_job import render_job
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.model import DeliveryJob, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.suppression import Asked, Reason, Suppression, SuppressionFilter
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.contents import Contents
from chalicelib.ports.event_log import EventLog, Numbered
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.old_mail import OldMail
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.tenancy.request_signatures import RequestSignatures
from tests import erased
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message, a_report, a_server, an_organization
from tests.listed import list_new
from tests.webhook_events import a_delivery as a_webhook_delivery
from tests.worlds import beside

ADDRESS = "Zoe.Private@example.com"
OTHER = "bob@example.com"
LATER = NOW + 86_400


def mail(sender: str, to: str, body: str = "Hello") -> bytes:
    return f"From: {sender}\r\nTo: {to}\r\nSubject: x\r\n\r\n{body}\r\n".encode()


class Scene:
    """A server with mail of two people, and everything that hangs on it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.organization = an_organization(id=world.server)
        self.server = replace(a_server(self.organization), id=world.server)
        self._last = 0

    async def fill(self) -> None:
        world = self.world
        await world[Repository].add(SERVERS, self.server)
        await world.install()
        packed = [
            mail("app@acme.test", ADDRESS),
            mail("app@acme.test", OTHER),
            mail("app@acme.test", OTHER, f"write to {ADDRESS}"),
        ]
        self.to, self.kept, self.naming = await self.messages(packed, [ADDRESS, OTHER, OTHER])
        incoming = mail(f"Zoe <{ADDRESS.lower()}>", "in@acme.test")
        (self.from_field,) = await self.messages(
            [incoming], ["in@acme.test"], mail_from="bounce@esp.test", scope=Scope.INCOMING
        )
        (self.sent_by,) = await self.messages(
            [b"x"], ["in@acme.test"], mail_from=ADDRESS.upper(), scope=Scope.INCOMING
        )
        (self.waiting,) = await self.messages([b"y"], [ADDRESS], state=State.WAITING)
        await world[WorkQueue].wake("default", [DeliveryJob(self.waiting, 0)])
        await self.beside()
        await self.dead()

    async def messages(
        self, bodies: list[bytes], recipients: list[str], state: State = State.DONE, **more: Any
    ) -> list[Message]:
        world, made = self.world, []
        refs = await world[BlobStore].put(world.server, bodies, NOW)
        for ref, recipient in zip(refs, recipients, strict=True):
            self._last += 1
            message = a_message(world.server, self._last, blob=ref, rcpt_to=recipient, **more)
            await world[MessageStore].create([message])
            if state is State.DONE:
                before = MessageRecord(message)
                details = f"Message for {recipient} accepted"
                log = tuple(a_delivery(n, details=details) for n in range(1, 6))
                after = replace(before, state=state, attempt=1, deliveries=log)
                assert await world[MessageStore].replace(before, after)
            made.append(message)
        return made

    async def beside(self) -> None:
        world, server = self.world, self.world.server
        await world[Reports].add(server, a_report(1, self.to.id, MessageId(99)))
        happened = [
            Occurrence(EventType.SUPPRESSION_ADDED, server, NOW, f"{n}", detail=f'{{"a":"{one}"}}')
            for n, one in enumerate((ADDRESS, OTHER))
        ]
        await world[EventLog].append(
            "mail", server, [Numbered(str(n + 1), one) for n, one in enumerate(happened)]
        )
        await world[Happenings].note(happened)
        payloads = [f'{{"to":"{one}"}}'.encode() for one in (ADDRESS, OTHER)]
        deliveries = [
            replace(a_webhook_delivery(server, n, webhook="wh1"), payload=one)
            for n, one in enumerate(payloads)
        ]
        await world[WebhookDeliveries].add(deliveries)
        await world[IdempotencyKeys].begin(server, "once", "f", NOW)
        await world[IdempotencyKeys].complete(server, "once", 200, f'{{"{ADDRESS}":1}}')
        job = Job("jbold", "export", "acme/app", f'{{"to":"{ADDRESS}"}}', "ada", NOW)
        await world[Jobs].add(server, job)
        await world[Jobs].write_down(server, job, 0, [f'[1,"{ADDRESS}"]'])
        await world[Jobs].change(server, replace(job, status=JobStatus.DONE))
        going = Job("jbopen", "export", "acme/app", f'{{"to":"{ADDRESS}"}}', "ada", NOW)
        far = replace(going, lease_until=NOW + 10 * 86_400, status=JobStatus.RUNNING)
        await world[Jobs].add(server, far)
        await world[Jobs].write_down(server, far, 0, [f'[1,"{ADDRESS}",""]'])
        now = int(world.clock.now())
        await world[ImportedTokens].keep(
            [
                ImportedToken(server, f"tok{n}", MessageId(700 + n), now + 999_999, 0, one.lower())
                for n, one in enumerate((ADDRESS, OTHER))
            ]
        )
        await world[UnsubscribeLinks].keep(
            UnsubscribeLink(server, self.to.id, ADDRESS, "news", LATER),
            UnsubscribeLink(server, self.kept.id, OTHER, "news", LATER),
        )
        entries = [
            Suppression(ADDRESS, Reason.BOUNCE.text, NOW, LATER),
            Suppression(ADDRESS, Reason.UNSUBSCRIBE.text, NOW, LATER, stream="news"),
            Suppression(OTHER, Reason.COMPLAINT.text, NOW, LATER),
        ]
        await list_new(world[SuppressionList], server, entries)
        for content in (b"a," + ADDRESS.encode(), b"b," + OTHER.encode()):
            await world[BlobStore].bring(server, secrets.token_hex(16), content, NOW)
            await world[BlobStore].keep(server, secrets.token_hex(16), content, NOW)

    async def dead(self) -> None:
        """Letters of both people in the queue of dead letters, where that is one of its own."""
        if self.world.family != "aws":
            return
        url = await self.world[SqsWorkQueue].url_of_dead()
        for message in (self.to, self.kept):
            body = render_job(DeliveryJob(message, 9))
            await self.world[AwsSession].call("sqs", "send_message", QueueUrl=url, MessageBody=body)

    async def letters(self, address: str) -> list[str]:
        """Where dead letters name an address."""
        if self.world.family != "aws":
            return []
        url, sqs = (
            await self.world[SqsWorkQueue].url_of_dead(),
            self.world[AwsSession].client("sqs"),
        )
        return erased.in_queue(sqs, url, address)

    async def erase(
        self, number: str, owner: ServerId | None = None, first: Posthorn | None = None
    ) -> Job:
        """Start the job and work at it until its end, with another program at first."""
        owner = self.world.server if owner is None else owner
        parameters = json.dumps({"address": ADDRESS})
        await self.world[Jobs].add(owner, Job(number, "erase", "acme/app", parameters, "ada", NOW))
        if first is not None:
            await first[RunJobs].run(5)
            self.world.clock.advance(60)
        for _ in range(200):
            await self.world[RunJobs].run(5)
            job = await self.world[Jobs].get(owner, number)
            if not job.is_open:
                return job
            self.world.clock.advance(60)
        raise AssertionError(job)

    async def candidates(self, text: str) -> tuple[MessageId, ...]:
        """What the index of mail finds."""
        query = parse_query(text, self.world.clock.now())
        return (await self.world[MailIndex].find(self.world.server, None, query, 100)).messages

    def places(self) -> list[str]:
        """Where the address is."""
        if self.world.family == "sqlite":
            folder = self.world.settings.state_folder
            return erased.in_folder(Path(folder), ADDRESS) if folder else []
        session, settings = self.world[AwsSession], self.world.settings
        tables = [settings.mail_table, settings.control_table]
        found = erased.in_aws(
            session.client("dynamodb"), session.client("s3"), tables, settings.bucket, ADDRESS
        )
        mine = (f"#{self.world.server}", f"/{self.world.server}/", "lake/")
        return [one for one in found if any(each in one for each in mine)]


@pytest.fixture
async def scene(world: World) -> Scene:
    made = Scene(world)
    await made.fill()
    return made


async def is_gone(world: World, message: Message) -> bool:
    try:
        await world[MessageStore].get(message.server_id, message.id)
    except NotFound:
        return True
    return False


async def test_everything_goes_and_what_others_have_stays(scene: Scene) -> None:
    world = scene.world
    assert scene.places() or not world.settings.state_folder
    others = len(await scene.letters(OTHER))
    job = await scene.erase("jbone")
    assert job.status is JobStatus.DONE, job
    result = json.loads(job.result)
    assert len(await scene.letters(OTHER)) == others
    assert await scene.letters(ADDRESS) == []
    for message in (scene.to, scene.from_field, scene.sent_by, scene.waiting):
        assert await is_gone(world, message)
    assert result["emails"] == 4
    assert result["contents"] == 4
    assert result["suppressions"] == 2
    assert result["events"] >= 2
    assert result["kept"] == {"users": 0, "members": 0, "routes": 0, "endpoints": 0, "emails": 1}
    assert json.loads(job.parameters) == {"address": Sought(ADDRESS).digest[7:]}
    for message, content in ((scene.kept, b"Hello"), (scene.naming, ADDRESS.encode())):
        record = await world[MessageStore].get(world.server, message.id)
        assert content in await world[BlobStore].get(record.message.blob)
    if world.family == "aws" or world.settings.state_folder:
        blob = (await world[MessageStore].get(world.server, scene.naming.id)).message.blob
        left = scene.places()
        place = blob.key if world.family == "aws" else f"bodies/{blob.key}"
        assert left == [place]  # what another has stays


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("port", [MailIndex, OldMail, Contents], ids=lambda one: one.__name__)
async def test_what_fails_on_the_way_is_gone_on_with(
    scene: Scene, port: type[Any], when: str
) -> None:
    """The index that is being rewritten, a store that is away: what was found by its content goes too."""
    world, verb = scene.world, "remove" if port is Contents else "forget"
    broken = raising(world[port], verb, TemporaryFailure("away"), when)
    is_in_memory = world.family == "sqlite" and not world.settings.state_folder
    first = beside(world, {port: broken}) if is_in_memory else world.another({port: broken})
    job = await scene.erase("jbone", first=first)
    result = json.loads(job.result)
    assert (result["emails"], result["contents"], result["deliveries"]) == (4, 4, 16)
    for message in (scene.to, scene.from_field, scene.sent_by, scene.waiting):
        assert await is_gone(world, message)


async def test_what_a_recipient_said_keeps_acting_unseen(scene: Scene) -> None:
    world = scene.world
    await scene.erase("jbone")
    lists, server = world[SuppressionList], world.server
    asked = Asked(server, scene.organization.id, ADDRESS.lower(), "news")
    entry = (await lists.listed([asked], NOW))[asked]
    assert entry.reason == Reason.UNSUBSCRIBE.text
    assert entry.address == f"sha256:{hashlib.sha256(ADDRESS.lower().encode()).hexdigest()}"
    other_stream = asked._replace(stream="other")
    assert await lists.listed([other_stream], NOW) == {}  # the bounce is forgotten
    page = await lists.page([server], SuppressionFilter(), 100, NOW)
    assert [one.address for one in page.values] == [OTHER]
    assert await lists.count([server], NOW) == {Reason.COMPLAINT.text: 1}
    assert await lists.of(server, ADDRESS, NOW) == []
    link = await world[UnsubscribeLinks].get(server, scene.to.id, NOW)
    assert link.recipient == entry.address
    assert (await world[UnsubscribeLinks].get(server, scene.kept.id, NOW)).recipient == OTHER


async def test_a_change_that_is_told_late_brings_nothing_back(scene: Scene) -> None:
    """As a stream does that could not hand it over for hours."""
    world = scene.world
    before = await world[MessageStore].get(world.server, scene.to.id)
    await world[IndexMail].take("shard", [MessageChange("1", None, before)])
    await scene.erase("jbone")
    left = scene.places()
    world.clock.advance(12 * 3_600)
    await world[IndexMail].take("shard", [MessageChange("2", None, before)])
    assert scene.places() == left
    assert await scene.candidates(f'to:"{ADDRESS}"') == ()


async def test_a_second_run_finds_nothing(scene: Scene) -> None:
    await scene.erase("jbone")
    again = json.loads((await scene.erase("jbtwo")).result)
    counted = ("emails", "contents", "events", "deliveries", "suppressions")
    assert [again[name] for name in counted] == [0] * 5
    assert again["kept"]["emails"] == 1


async def test_what_is_beside_it_stays(scene: Scene) -> None:
    world, server = scene.world, scene.world.server
    await scene.erase("jbone")
    world.clock.advance(60)
    page = await world[EventLog].page(server, limit=10)
    assert [one.what for one in page.occurrences] in ([], ["1"])
    old = await world[Jobs].get(server, "jbold")
    assert json.loads(old.parameters) == {"to": Sought(ADDRESS).digest}
    going = await world[Jobs].get(server, "jbopen")
    assert json.loads(going.parameters) == {"to": Sought(ADDRESS).digest}
    # Whoever is at it goes on with that.
    assert await world[Jobs].change(server, going) is not None
    assert ADDRESS not in str(await world[Jobs].written_down(server, "jbopen", 0))
    now = world.clock.now()
    with pytest.raises(NotFound):
        await world[ImportedTokens].get(server, "tok0", now)
    assert (await world[ImportedTokens].get(server, "tok1", now)).recipient == OTHER


async def test_the_proof_is_signed_by_a_key_that_everybody_can_have(scene: Scene) -> None:
    job = await scene.erase("jbone")
    result = json.loads(job.result)
    header, claims, signature = (_decoded(one) for one in result["proof"].split("."))
    keys = (await scene.world[RequestSignatures].key_set())["keys"]
    known = json.loads(header)
    assert known["alg"] == "RS256"
    (key,) = [one for one in keys if one["kid"] == known["kid"]]
    numbers = (int.from_bytes(_decoded(key[one]), "big") for one in ("e", "n"))
    public = RSAPublicNumbers(*numbers).public_key()
    signed = result["proof"].rpartition(".")[0].encode()
    public.verify(signature, signed, PKCS1v15(), SHA256())
    told = json.loads(claims)
    assert told["tenant"] == "acme/app"
    assert told["address_sha256"] == hashlib.sha256(ADDRESS.lower().encode()).hexdigest()
    assert told["counts"] == {name: result[name] for name in told["counts"]}
    assert ADDRESS.lower() not in json.dumps(told).lower()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
