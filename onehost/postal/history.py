"""Messages with all that hangs on them: brought once, and again where something happened to them in Postal since.

What somebody did with a message here stays, and is told of. No consumer of changes is told of what is brought. Bytes
go first, so that a record that is there has them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef, MessageRecord, State
from chalicelib.domain.no_body import NO_BODY
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.postal.messages import (
    PostalMessage,
    hits_of,
    links_of,
    message_of,
    record_of,
)
from chalicelib.domain.postal.rows import Row, number
from chalicelib.domain.search.findable import findable_of
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.transfer import MessageTransfer, WholeMessage
from onehost.postal.database import Database
from onehost.postal.raw import raw_of, some_at_a_time
from onehost.postal.report import Report
from onehost.postal.tenants import BroughtServer
from onehost.storage.progress import Progress

PAGE = 500
SLACK = 1_000
MESSAGES = "messages"
_HANGING = ("deliveries", "loads", "clicks")
TAKEN = "its number is another message's here"
CHANGED = "something was done with it here"


class BringHistory:
    """Brings the messages of one server. `with_waiting`: also those that wait in Postal's queue."""

    def __init__(
        self,
        program: Posthorn,
        databases: tuple[Database, Database],
        brought: BroughtServer,
        report: Report,
        progress: Progress,
        *,
        with_waiting: bool,
    ) -> None:
        self._program = program
        self._main, self._source = databases
        self._brought = brought
        self._report = report
        self._progress = progress
        self._with_waiting = with_waiting
        self._now = int(program[Clock].now())
        self._until = self._now + program.settings.tracking_days * DAY

    async def every(self) -> None:
        """All messages: those of an earlier run only where something hangs on them that was not there."""
        memory = self._brought.memory
        ends = {table: await self._source.highest(table) for table in _HANGING}
        known = memory.mark(MESSAGES)
        for table in _HANGING if known else ():
            await self._again(table, known)
        mark = max(0, known - SLACK)
        while rows := await self._source.after("messages", mark, PAGE):
            await self._bring(rows)
            mark = int(rows[-1]["id"])
            self._progress.at(f"{self._brought.server.full_name}: messages up to", mark)
            await memory.keep_mark(MESSAGES, max(mark, known))
        for table, end in ends.items():
            await memory.keep_mark(table, end)

    async def held(self) -> None:
        """Held messages alone."""
        mark = 0
        where = "held = 1 AND id > %s"
        while rows := await self._source.all("messages", where, (mark,), PAGE):
            await self._bring(rows)
            mark = int(rows[-1]["id"])

    async def waiting(self) -> None:
        """Those that wait in Postal's queue; an entry without a message is told of."""
        mark = 0
        while True:
            entries = await self._entries(mark)
            if not entries:
                return
            wanted = [number(one, "message_id") or 0 for one in entries]
            rows = await self._source.of("messages", "id", wanted)
            await self._bring(rows)
            mark = int(entries[-1]["id"])
            there = {int(row["id"]) for row in rows}
            for one in wanted:
                if one not in there:
                    self._report.leave(
                        f"an entry of the queue of {self._brought.server.full_name}",
                        f"there is no message {one}",
                    )

    async def _entries(self, mark: int) -> list[Row]:
        values = self._brought.number, mark
        where = "server_id = %s AND id > %s"
        return await self._main.all("queued_messages", where, values, PAGE)

    async def _again(self, table: str, known: int) -> None:
        """Messages of an earlier run to which something happened since."""
        columns = ("id", "message_id")
        mark = max(0, self._brought.memory.mark(table) - SLACK)
        while rows := await self._source.after(table, mark, PAGE, columns):
            changed = {number(row, "message_id") or 0 for row in rows}
            wanted = [one for one in changed if one <= known]
            await self._bring(await self._source.of("messages", "id", wanted))
            mark = int(rows[-1]["id"])

    async def _bring(self, rows: Sequence[Row]) -> None:
        """Messages that are there are brought into step, others are added."""
        found = [one for one in await self._whole(rows) if self._with_waiting or not one.queued]
        self._report.count("messages that wait in Postal", "left", len(rows) - len(found))
        server = self._brought.server.id
        there = {
            one.message.id: one
            for one in await self._program[MessageStore].get_many([(server, m.id) for m in found])
        }
        new = [one for one in found if one.id not in there]
        self._report.count(MESSAGES, "new", len(new))
        if not self._report.dry_run:
            for some in some_at_a_time(new):
                await self._add(some)
        for one in found:
            if one.id in there:
                await self._renew(one, there[one.id])

    async def _whole(self, rows: Sequence[Row]) -> list[PostalMessage]:
        ids = [int(row["id"]) for row in rows]
        hanging = {}
        for table in ("deliveries", "links", "loads", "clicks", "spam_checks"):
            hanging[table] = _by_message(await self._source.of(table, "message_id", ids))
        marks = ", ".join(["%s"] * len(ids)) or "0"
        queue = await self._main.all(
            "queued_messages",
            f"server_id = %s AND message_id IN ({marks})",
            (self._brought.number, *ids),
        )
        queued = {int(row["message_id"]): row for row in queue}
        return [
            PostalMessage(
                row,
                **{table: found.get(int(row["id"]), []) for table, found in hanging.items()},
                queued=queued.get(int(row["id"])),
            )
            for row in rows
        ]

    async def _add(self, messages: Sequence[PostalMessage]) -> None:
        raw = await raw_of(self._source, messages)
        places = await self._put(messages, raw)
        whole = [self._made(one, places.get(one.id, NO_BODY)) for one in messages]
        await self._program[MessageTransfer].add(whole)
        await self._program[MailIndex].put([findable_of(one.record) for one in whole])

    async def _put(
        self, messages: Sequence[PostalMessage], raw: dict[int, bytes]
    ) -> dict[MessageId, BlobRef]:
        """Where their bodies lie, those of a day together."""
        days: defaultdict[str, list[MessageId]] = defaultdict(list)
        at: dict[str, float] = {}
        for one in messages:
            if one.id in raw:
                received = float(one.row.get("timestamp") or 0)
                day = time.strftime("%Y%m%d", time.gmtime(received))
                days[day].append(one.id)
                at[day] = received
        places: dict[MessageId, BlobRef] = {}
        for day, ids in days.items():
            bodies = [raw[one] for one in ids]
            server = self._brought.server.id
            places |= zip(
                ids, await self._program[BlobStore].put(server, bodies, at[day]), strict=True
            )
        return places

    def _made(self, given: PostalMessage, blob: BlobRef) -> WholeMessage:
        message = message_of(given, self._brought.known, blob)
        record = record_of(given, message, self._now)
        hits = tuple((hit, self._until) for hit in hits_of(given))
        return WholeMessage(record, links_of(given), self._until if given.links else 0, hits)

    async def _renew(self, given: PostalMessage, there: MessageRecord) -> None:
        after = self._made(given, there.message.blob)
        what = f"message {given.id} of {self._brought.server.full_name}"
        if there.message.token != after.record.message.token:
            self._report.count(MESSAGES, "refused")
            self._report.leave(what, TAKEN)
        elif _went_on(there, after.record):
            self._report.count(MESSAGES, "left")
            self._report.leave(what, CHANGED)
        elif _is_same(there, after.record):
            self._report.count(MESSAGES, "same")
        else:
            self._report.count(MESSAGES, "changed")
            if not self._report.dry_run:
                await self._put_over(there, after)

    async def _put_over(self, there: MessageRecord, after: WholeMessage) -> None:
        """What was opened and clicked here since stays."""
        (known,) = await self._program[MessageTransfer].whole([there])
        told = {hit for hit, _ in after.hits}
        hits = (*after.hits, *(one for one in known.hits if one[0] not in told))
        opened = [at for at in (after.record.opened_at, there.opened_at) if at is not None]
        clicked = [at for at in (after.record.clicked_at, there.clicked_at) if at is not None]
        record = replace(
            after.record,
            message=there.message,
            opened_at=min(opened, default=None),
            clicked_at=max(clicked, default=None),
            person_opened_at=there.person_opened_at,
            person_clicked_at=there.person_clicked_at,
            complained_at=there.complained_at,
            unsubscribed_at=there.unsubscribed_at,
        )
        await self._program[MessageTransfer].renew(there, replace(after, record=record, hits=hits))
        await self._program[MailIndex].put([findable_of(record)])


def _by_message(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[number(row, "message_id") or 0].append(row)
    return found


def _went_on(there: MessageRecord, ours: MessageRecord) -> bool:
    """Whether anybody here has had it: a worker, or a person who let it go."""
    known = {one.id for one in ours.deliveries}
    return (
        there.state is State.LEASED
        or there.attempt > ours.attempt
        or any(one.id not in known for one in there.deliveries)
    )


def _is_same(there: MessageRecord, ours: MessageRecord) -> bool:
    """Whether nothing happened to it in Postal since it was brought."""

    def told(record: MessageRecord) -> tuple[object, ...]:
        return (
            record.status,
            record.state,
            record.attempt,
            record.tries,
            record.held,
            record.links,
        )

    engaged = (ours.opened_at, ours.clicked_at) in (
        (None, None),
        (there.opened_at, there.clicked_at),
    )
    return told(there) == told(ours) and engaged
