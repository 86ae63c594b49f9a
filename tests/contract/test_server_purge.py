"""What is kept of a server can be forgotten: all of it, in small steps, and nothing of anybody else's."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite import purge as sqlite_purge
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.kept import TABLES
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.adapters.sqlite.uploads import Uploads
from chalicelib.domain.changes import Mark
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.jobs import Job
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, RateLine, Standing
from chalicelib.domain.model import BlobRef, DeliveryJob, Message, MessageRecord
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Addition, Count, Slot
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.send_limits import Period as Span
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.event_log import EventLog, Numbered
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.purge import ServerPurge
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from tests.contract.conftest import World
from tests.fakes import NOW, a_delivery, a_message, a_report, a_server_id
from tests.listed import list_new
from tests.webhook_events import a_delivery as a_webhook_delivery

LATER = NOW + 86_400
WORD = b"a word that must go"
# Rows of these belong to no server.
OF_NO_SERVER = {"positions", "rates", "greylist", "progress"}


async def fill(world: World, server: ServerId, messages: int = 3) -> list[Message]:
    """Mail with everything that hangs on it, and something in every other place."""
    assert world[Repository]  # opened before there are bodies
    numbers = await world[Numbers].take(server, "message", messages)
    refs = await world[BlobStore].put(server, [WORD + secrets.token_bytes(9)] * messages, NOW)
    made = [
        replace(a_message(server, MessageId(number)), blob=ref)
        for number, ref in zip(numbers, refs, strict=True)
    ]
    store, engagement = world[MessageStore], world[Engagement]
    await store.create(made)
    for message in made:
        await _delivered(world, message)
        await engagement.keep_links(server, message.id, ["https://a.test/"], LATER)
        for kind in EngagementKind:
            hit = EngagementEvent(kind, NOW, "192.0.2.1", "Mozilla", "https://a.test/")
            await engagement.record(server, message.id, hit, LATER)
    await world[WorkQueue].wake("default", [DeliveryJob(made[0], 9)])
    await list_new(world[SuppressionList], server, [Suppression("a@b.test", "bounced", NOW, LATER)])
    job = Job("jba", "export", "acme/app", "{}", "ada", NOW)
    await world[Jobs].add(server, job)
    await world[Jobs].write_down(server, job, 0, ["1"])
    await world[BlobStore].keep(server, secrets.token_hex(16), WORD, NOW)
    await world[Reports].add(server, a_report(1, made[0].id, made[-1].id))
    webhook = secrets.token_hex(6)
    await world[WebhookDeliveries].add([a_webhook_delivery(server, 1, webhook=webhook)])
    await world[WebhookLanes].claim(server, webhook, "w", NOW, NOW + 60)
    limit = Limit(LimitOwner(OwnerKind.SERVER, server), Span.HOUR, 5)
    await world[SendLimits].take([limit], 1, NOW)
    standing = Standing.of(made[0], 9)
    await world[LimitLines].enter(limit, standing, NOW + 3_600)
    of_stream = RateLine(LimitOwner(OwnerKind.SERVER, server, "news"), Rate.BOUNCE, 500)
    await world[LimitLines].enter(of_stream, standing, NOW + 3_600)
    await world[UnsubscribeLinks].keep(
        *(UnsubscribeLink(server, one.id, "a@b.test", "news", LATER) for one in made)
    )
    await world[ImportedTokens].keep([ImportedToken(server, "token", made[0].id, LATER)])
    await world[IdempotencyKeys].begin(server, "once", "f", NOW)
    await world[IdempotencyKeys].complete(server, "once", 200, "{}")
    slot = Slot(server, Period.DAY, NOW // 86_400 * 86_400)
    await world[Statistics].add("mail", slot, [Addition("1", {Count.OUTGOING: 1})])
    grouped = GroupAddition("1", slot.start, ((Dimension.TAG, "t"),), {Count.OUTGOING: 1})
    await world[GroupCounts].add("mail", server, [grouped])
    happened = Occurrence(EventType.SUPPRESSION_ADDED, server, NOW, "once", detail="{}")
    await world[Happenings].note([happened])
    await world[EventLog].append("mail", server, [Numbered("1", happened)])
    ref = server, made[0].id, made[0].scope
    assert await world[MessageStore].mark(*ref, Mark.COMPLAINED, NOW, "1")
    await world[BlobStore].bring(server, secrets.token_hex(16), WORD, NOW)
    return made


async def _delivered(world: World, message: Message) -> None:
    """Have a log that does not fit beside the message."""
    store = world[MessageStore]
    record = await store.claim(DeliveryJob(message, 0), "w", NOW, NOW + 60)
    for number in range(1, 6):
        assert isinstance(record, MessageRecord)
        after = replace(record, deliveries=(*record.deliveries, a_delivery(number)))
        assert await store.replace(record, after)
        record = await store.get(message.server_id, message.id)


async def left_of(world: World, server: ServerId) -> dict[str, int]:
    """How much there is of a server, by place."""
    found = await (_items(world, server) if world.family == "aws" else _rows(world, server))
    return {place: n for place, n in found.items() if n}


async def _rows(world: World, server: ServerId) -> dict[str, int]:
    found = {}
    for table in (one.name for one in TABLES if one.database == "mail.db"):
        all_rows = f"SELECT * FROM {table}"  # noqa: S608  # the schema's own name
        rows = world[MailDatabase].read(lambda db, text=all_rows: fetched(db, text))  # type: ignore[misc]
        facts = world[MailDatabase].read(
            lambda db, name=table: fetched(db, f"PRAGMA table_info({name})")  # type: ignore[misc]
        )
        columns = [one[1] for one in facts]
        if "server" in columns:
            found[table] = sum(row[columns.index("server")] == server for row in rows)
        elif "key" in columns:
            found[table] = sum(ids_of(row[columns.index("key")])[0] == server for row in rows)
        elif "owner" in columns:
            found[table] = sum(row[0] == f"s{server}" for row in rows)
        else:
            assert table in OF_NO_SERVER
    return found | {"uploads": len(world[Uploads].of(server))}


async def _items(world: World, server: ServerId) -> dict[str, int]:
    session, found = world[AwsSession], dict[str, int]()
    page: dict[str, Any] = {"TableName": world.settings.mail_table}
    while True:
        answer = await session.call("dynamodb", "scan", **page)
        for item in answer["Items"]:
            kind, _, rest = item["PK"]["S"].partition("#")
            number, _, place = rest.partition("#")
            if kind in "ST" and number == str(server):
                name = "beside messages" if kind == "T" else place
                found[name] = found.get(name, 0) + 1
        if "LastEvaluatedKey" not in answer:
            break
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    for prefix in (f"r/{server}/", f"u/{server}/"):
        listed = await session.call(
            "s3", "list_objects_v2", Bucket=world.settings.bucket, Prefix=prefix
        )
        found[prefix] = len(listed.get("Contents", ()))
    return found


async def purged(world: World, server: ServerId, shards: int = 1) -> int:
    """Forget it; in how many steps."""
    steps = 1
    while await world[ServerPurge].step(server, shards):
        steps += 1
        assert steps < 100
    return steps


async def test_nothing_is_left_of_the_limits_of_an_organization(world: World) -> None:
    ours, theirs = a_server_id(), a_server_id()
    limits = {
        one: Limit(LimitOwner(OwnerKind.ORGANIZATION, one), Span.HOUR, 5) for one in (ours, theirs)
    }
    for limit in limits.values():
        await world[SendLimits].take([limit], 2, NOW)
        await world[LimitLines].enter(limit, Standing(NOW, world.server, MessageId(1), 1), NOW)
    assert await purged(world, ServerId(-ours)) > 1
    for one, left in ((ours, 0), (theirs, 1)):
        limit = limits[one]
        assert [each.used for each in await world[SendLimits].usages([limit], NOW)] == [2 * left]
        assert len(await world[LimitLines].first(limit.line, 9)) == left
        assert (await world[LimitLines].state(limit.line) is not None) == bool(left)


async def test_nothing_is_left_of_a_server_and_all_of_the_others(world: World) -> None:
    ours, theirs = world.server, a_server_id()
    mail, other = await fill(world, ours), await fill(world, theirs)
    before = await left_of(world, theirs)
    filled = await left_of(world, ours)
    if world.family == "sqlite":
        everything = {one.name for one in TABLES if one.database == "mail.db"} - OF_NO_SERVER
        assert filled.keys() == everything | {"uploads"}
    else:
        assert len(filled) == 22
    await purged(world, ours)
    assert await left_of(world, ours) == {}
    assert await left_of(world, theirs) == before
    for message in mail:
        with pytest.raises(NotFound):
            await world[BlobStore].get(message.blob)
        with pytest.raises(NotFound):
            await world[MessageStore].get(ours, message.id)
    assert (await world[BlobStore].get(other[0].blob)).startswith(WORD)


async def test_a_purge_that_ended_anywhere_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_purge, "ROWS", 1)
    await fill(world, world.server)
    await world[ServerPurge].step(world.server, 1)
    assert await left_of(world, world.server) if world.family == "sqlite" else True
    await purged(world.another(), world.server)
    assert await left_of(world, world.server) == {}
    assert await world[ServerPurge].step(world.server, 1) == 0


async def test_first_answers_of_an_organization_are_forgotten(world: World) -> None:
    organization = ServerId(-world.server)
    await world[IdempotencyKeys].begin(organization, "once", "f", NOW)
    await world[IdempotencyKeys].complete(organization, "once", 201, "{}")
    await purged(world, organization)
    assert await world[IdempotencyKeys].all(organization, NOW) == []


async def test_what_was_overwritten_is_not_in_the_segments(world: World) -> None:
    if world.family == "aws":
        pytest.skip("objects are removed whole")
    (message, *_) = await fill(world, world.server)
    await purged(world, world.server)
    segments, ref = world[Segments], message.blob
    end = ref.offset + ref.length
    assert not any(segments._bytes(ref.key, 0, end))


async def test_bodies_that_are_gone_are_no_hindrance(world: World) -> None:
    nowhere = BlobRef("20260322/none-1.seg", 16, 9)
    message = replace(a_message(world.server, MessageId(1)), blob=nowhere)
    await world[MessageStore].create([message])
    await purged(world, world.server)
    assert await left_of(world, world.server) == {}
