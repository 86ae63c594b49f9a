"""A state folder with much mail of every kind, and everything that an installation has, object by object.

What is compared is read through the ports that services use, not through the one that moves messages.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from chalicelib.bootstrap import Posthorn
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.groups import Dimension
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing, hold_of
from chalicelib.domain.model import BlobRef, Delivery, Message, MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.periods import SECONDS, STORED, Period
from chalicelib.domain.suppression import list_of
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.send_limits import Period as LimitPeriod
from chalicelib.domain.webhooks.delivery import DeliveryFilter
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.audit_log import AuditLog
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from onehost.move.configuration import _nouns, _opened
from onehost.upkeep import Upkeep
from tests.kept_mail import Host, fill, make_host

T = TypeVar("T")
AT_ONCE = 50
DAY = 86_400


async def filled(folder: Path, count: int) -> tuple[Host, dict[str, Message]]:
    """A host with about so many messages, counted; those of `fill` by name."""
    host = await make_host(folder)
    mail = await fill(host)
    keys, everything_allowed = host.posthorn[ManagementKeys], KeyOptions(("*",))
    for owner in (None, host.server.organization_id):
        await keys.create(owner, "kept", everything_allowed, "a test")
    await _together(lambda number: _one_more(host, number), range(count))
    await Upkeep(host.posthorn).feed()
    return host, mail


async def _one_more(host: Host, number: int) -> None:
    """A message of the kind that its number says."""
    (message,) = await host.accept(f"{number}@example.com", words=f"{number} " * 50)
    kind = KINDS[number % len(KINDS)]
    await kind(host, message)


async def _left(host: Host, message: Message) -> None:
    """It waits."""


async def _soft_failed(host: Host, message: Message) -> None:
    before = await host.lease(message)
    delivery = await _delivery(host, Status.SOFT_FAIL)
    after = lifecycle.waiting(before, delivery, int(host.now) + 3_600)
    assert await host.posthorn[MessageStore].replace(before, replace(after, by_sweeper=True))


async def _held(host: Host, message: Message) -> None:
    before = await host.lease(message)
    after = lifecycle.held(before, await _delivery(host, Status.HELD), int(host.now) + DAY)
    assert await host.posthorn[MessageStore].replace(before, after)


async def _limited(host: Host, message: Message) -> None:
    """A send limit holds it."""
    before, limit = await host.lease(message), limit_over(host)
    standing = Standing.of(message, before.attempt + 1)
    await host.posthorn[LimitLines].enter(limit, standing, host.now + DAY)
    hold = hold_of(limit, host.now + DAY)
    after = lifecycle.held(before, await _delivery(host, Status.HELD), None, hold)
    assert await host.posthorn[MessageStore].replace(before, after)


def limit_over(host: Host) -> Limit:
    """A limit of the host's server."""
    return Limit(LimitOwner(OwnerKind.SERVER, host.server.id), LimitPeriod.DAY, 5)


async def _released(host: Host, message: Message) -> None:
    await _held(host, message)
    await host.posthorn[MessageActions].release(message.server_id, message.id)


async def _leased(host: Host, message: Message) -> None:
    await host.lease(message)


async def _done(host: Host, message: Message) -> None:
    await host.finish(message)


async def _done_at_last(host: Host, message: Message) -> None:
    """With a log that is longer than what lies beside a record."""
    before = await host.lease(message)
    log = [await _delivery(host, Status.SOFT_FAIL) for _ in range(4)]
    delivery = await _delivery(host, Status.HARD_FAIL)
    after = replace(lifecycle.done(before, delivery), deliveries=(*log, delivery))
    assert await host.posthorn[MessageStore].replace(before, after)


async def _clicked(host: Host, message: Message) -> None:
    await host.finish(message, links=3)
    links = [f"https://{message.id}.test/{number}" for number in range(3)]
    server, later = message.server_id, int(host.now) + DAY
    engagement = host.posthorn[Engagement]
    await engagement.keep_links(server, message.id, links, later)
    opened = EngagementEvent(EngagementKind.OPEN, host.now, "192.0.2.1", "Mozilla")
    clicked = EngagementEvent(EngagementKind.CLICK, host.now, "192.0.2.1", "Mozilla", links[1])
    for hit in (opened, clicked, clicked):
        await engagement.record(server, message.id, hit, later)


async def _opened_long_ago(host: Host, message: Message) -> None:
    """Its hits are over, the mark on the message stays."""
    await host.finish(message)
    hit = EngagementEvent(EngagementKind.OPEN, host.now - DAY, "192.0.2.1", "Mozilla")
    await host.posthorn[Engagement].record(message.server_id, message.id, hit, int(host.now) - 1)


_OFTEN = (_left, _clicked, _done, _done_at_last, _done, _held, _clicked, _done, _soft_failed)
KINDS = (*_OFTEN * 3, _released, _leased, _opened_long_ago, _limited)


async def _delivery(host: Host, status: Status) -> Delivery:
    (number,) = await host.posthorn[Numbers].take(host.server.id, "delivery", 1)
    return Delivery(number, status, "As it is", host.now)


async def _groups(program: Posthorn, server: ServerId, now: float) -> dict[str, Any]:
    return {
        f"{kept} {dimension}": await program[GroupCounts].read(
            server, dimension, Span(kept, 0, int(now), SECONDS[kept])
        )
        for dimension in Dimension
        for kept in (Period.HOUR, Period.DAY)
    }


async def _suppressed(program: Posthorn, host: Host) -> dict[str, Any]:
    lists = (host.server.id, list_of(host.server.organization_id))
    pages = [await program[SuppressionList].walk(one, 1_000, host.now) for one in lists]
    return {f"suppression {one.scope} {one.address}": one for page in pages for one in page.values}


async def everything(program: Posthorn, host: Host) -> dict[str, Any]:
    """What an installation has, without what differs between families, by name."""
    server, now = host.server.id, host.now
    found: dict[str, Any] = {}
    async for entity, value in _nouns(program):
        found[f"{entity.word} {entity.place(value)}"] = await _opened(entity, value, program)
    for name, kept in await _together(
        lambda record: _kept_of(program, record), await records(program, host)
    ):
        found[name] = kept
    found |= await _suppressed(program, host)
    page = await program[WebhookDeliveries].page(server, DeliveryFilter(), 1_000)
    found |= {f"delivery {one.id}": replace(one, version=0) for one in page.values}
    for period in STORED:
        found[period] = dict(await program[Statistics].read(server, period, 0, int(now)))
    found |= await _groups(program, server, now)
    found |= await _unsubscribes(program, server, now)
    for owner in (server, list_of(host.server.organization_id)):
        found |= await _jobs(program, owner, now)
    found["imported"] = await _imported(program, server)
    found["line"] = await program[LimitLines].first(limit_over(host).line, 1_000)
    for answer in await program[IdempotencyKeys].all(server, now):
        found[f"answer {answer.key}"] = answer
    for upload in await program[BlobStore].uploads(server, now):
        ref = await program[BlobStore].uploaded(server, upload, now)
        found[f"upload {upload}"] = await program[BlobStore].get(ref)
    for chain in (None, host.server.organization_id):
        entries = await program[Repository].all(AUDIT_ENTRIES, of_chain(chain))
        found[f"audit {chain}"] = [one.told for one in entries]
        found[f"audit {chain} whole"] = await program[AuditLog].first_broken(chain)
    marked = await program[WorkQueue].marked("default")
    found["released"] = {(job.message.id, job.attempt) for job in marked if job.manual}
    return found


async def _jobs(program: Posthorn, owner: ServerId, now: float) -> dict[str, Any]:
    """With the parts that are left of them, and all files; a file that one names has another key elsewhere."""
    found: dict[str, Any] = {}
    for job in (await program[Jobs].page(owner, 100, now)).values:
        parameters = json.loads(job.parameters)
        file = parameters.pop("file", None)
        content = file and await program[BlobStore].get(BlobRef(file, 0, parameters["bytes"]))
        parts: list[list[str]] = []
        while job.is_open and (ids := await program[Jobs].written_down(owner, job.id, len(parts))):
            parts.append(ids)
        as_moved = replace(job, parameters="", lease_until=0)
        found[f"job {job.id}"] = as_moved, parameters, content, parts
    for name in await program[BlobStore].files(owner, now):
        ref = await program[BlobStore].kept(owner, name, now)
        found[f"file {name}"] = await program[BlobStore].get(ref)
    return found


async def _unsubscribes(program: Posthorn, server: ServerId, now: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        page = await program[UnsubscribeLinks].page(server, now, cursor)
        found |= {f"link to unsubscribe {one.message}": one for one in page.values}
        if (cursor := page.next_cursor) is None:
            return found


async def _imported(program: Posthorn, server: ServerId) -> Any:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await program[ImportedTokens].page(server, 0, cursor)
        found += page.values
        if (cursor := page.next_cursor) is None:
            return found


async def _kept_of(program: Posthorn, record: MessageRecord) -> tuple[str, Any]:
    server, number = record.message.server_id, record.message.id
    log = await program[MessageStore].deliveries(server, number)
    body = await program[BlobStore].get(record.message.blob)
    links = [await _link(program, record, one + 1) for one in range(record.links or 0)]
    hits = await program[Engagement].hits(server, number)
    return f"message {number}", (_as_moved(record), log, body, links, hits)


async def _link(program: Posthorn, record: MessageRecord, number: int) -> str:
    try:
        return await program[Engagement].link(record.message.server_id, record.message.id, number)
    except NotFound:
        return ""


async def records(program: Posthorn, host: Host) -> list[MessageRecord]:
    """Those of all messages."""
    found: list[MessageRecord] = []
    cursor: str | None = None
    while True:
        page = await program[MessageStore].page(host.server.id, Scope.OUTGOING, 500, cursor)
        found += page.values
        cursor = page.next_cursor
        if cursor is None:
            return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names under which two installations differ, with what is there; few of them."""
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name)} became {after.get(name)}" for name in names[:5]]


def highest(found: dict[str, Any]) -> MessageId:
    """The highest number of a message."""
    numbers = [int(name.split()[1]) for name in found if name.startswith("message ")]
    return MessageId(max(numbers))


def _as_moved(record: MessageRecord) -> MessageRecord:
    waits = record.state is State.WAITING
    message = replace(record.message, blob=replace(record.message.blob, key="", offset=0))
    wake_at = (record.wake_at or int(message.received_at)) if waits else record.wake_at
    return replace(
        record,
        message=message,
        by_sweeper=waits,
        wake_at=wake_at,
        lease_until=0,
        deliveries=(),
    )


async def _together(work: Callable[[Any], Awaitable[T]], things: Iterable[Any]) -> list[T]:
    """The work on each, some at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(thing: Any) -> T:
        async with room:
            return await work(thing)

    return list(await asyncio.gather(*(one(thing) for thing in things)))
