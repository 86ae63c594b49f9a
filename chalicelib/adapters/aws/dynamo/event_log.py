"""What happened at each server during the last day, in the mail table: packs in the order of their writing.

| Item | PK | SK |
|---|---|---|
| pack | `S#<server>#LOG` | `K#<milliseconds>#<source>#<last number>#<ordinal>` |
| last number of a source | `S#<server>#LOG` | `P#<source>` |
| the newest moment | `S#<server>#LOG` | `H` |

All are written together, so that a replay finds what was taken. Several shards of the stream write at a time, each by
its own clock, and a call may take long: a pack is written only at a later moment than all before it, which the item `H`
holds, so that the order of their names is the order in which they came to be there. What a transaction wrote can be
seen piece by piece for an instant: a page leaves out packs that are younger than SETTLING_SECONDS.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.table import Item, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.log_pages import (
    MOST_LOOKS,
    PACKS,
    SLACK_SECONDS,
    Reading,
    parse_position,
)
from chalicelib.adapters.storage.packs import KEPT_SECONDS, SOURCE_KEPT_SECONDS, packs, read_pack
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.config import Settings
from chalicelib.domain.errors import Contended, TemporaryFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.ports.clock import Clock
from chalicelib.ports.event_log import EventLog, LogPage, Numbered

SETTLING_SECONDS = 5.0
_RACES = 12
_PAUSE = 0.03  # seconds, longer with each race
_PACK = "K#"
_HEAD = "H"
_SOURCE = 0
"""Which of a transaction's actions is that of the source."""
_MET_ANOTHER = -1


class DynamoEventLog(EventLog):
    """The `EventLog` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock

    async def append(self, source: str, server: ServerId, numbered: Sequence[Numbered]) -> None:
        """One transaction, or a read and another after a replay or behind a later moment; see the port."""
        fresh = [(sortable(one.sequence), one) for one in numbered]
        known, newest = "", 0
        for race in range(_RACES):
            if not fresh:
                return
            moment = max(int(self._clock.now() * 1_000), newest + 1)
            failed = await self._write(self._actions(source, server, fresh, known, moment))
            if failed is None:
                return
            if failed == _MET_ANOTHER:
                await asyncio.sleep(race * _PAUSE)
            elif failed == _SOURCE:
                item = await self._table.get(*_source_key(source, server))
                known = item["q"]["S"] if item else ""
                fresh = [(number, one) for number, one in fresh if number > known]
            else:
                item = await self._table.get(_partition(server), _HEAD)
                newest = int(item["h"]["N"]) if item else 0
        raise TemporaryFailure("The log of events is being changed by others, try again later")

    async def _write(self, actions: list[dict[str, Any]]) -> int | None:
        try:
            return await self._table.transact(*actions)
        except Contended:
            return _MET_ANOTHER

    async def page(
        self,
        server: ServerId,
        *,
        position: str | None = None,
        since: float | None = None,
        kind: EventType | None = None,
        limit: int,
    ) -> LogPage:
        """The entries after a position: one query; see the port."""
        now = self._clock.now()
        begin_at = now - KEPT_SECONDS
        if since is not None:
            begin_at = max(begin_at, since - SLACK_SECONDS)
        oldest = _PACK + _milliseconds(begin_at)
        begin = (oldest, 0) if position is None else parse_position(server, position)
        reading = Reading(server, begin, since, kind, limit)
        for _ in range(MOST_LOOKS):
            items = await self._packs(server, max(reading.pack, oldest), now - SETTLING_SECONDS)
            for one in items[:PACKS]:
                if not reading.take(one["SK"]["S"], read_pack(server, one["b"]["B"])):
                    return reading.page(has_more=True)
            if len(items) <= PACKS:
                return reading.page(has_more=False)
        return reading.page(has_more=True)

    async def _packs(self, server: ServerId, first: str, until: float) -> list[Item]:
        """One more than PACKS, written before `until`. What is no pack's name, in a forged position, is behind all."""
        last = _PACK + _milliseconds(until)
        if first > last:
            return []
        return await self._table.query(
            ("PK", _partition(server)),
            sort="SK BETWEEN :first AND :last",
            values={":first": {"S": first}, ":last": {"S": last}},
            limit=PACKS + 1,
            consistent=True,
        )

    def _actions(
        self,
        source: str,
        server: ServerId,
        fresh: Sequence[tuple[str, Numbered]],
        known: str,
        moment: int,
    ) -> list[dict[str, Any]]:
        """Put the last number if it is `known` or, where that is empty, below them all; the newest moment, if it is
        older; and the packs."""
        seconds, last = moment // 1_000, fresh[-1][0]
        place = f"{_PACK}{moment:013d}#{_digest(source)}#{last}"
        end: Item = {"x": {"N": str(seconds + KEPT_SECONDS)}}
        long: Item = {"x": {"N": str(seconds + SOURCE_KEPT_SECONDS)}}
        position = {
            "Item": key_of(*_source_key(source, server)) | {"q": {"S": last}} | long,
            "ConditionExpression": "q = :known"
            if known
            else "attribute_not_exists(q) OR q < :known",
            "ExpressionAttributeValues": {":known": {"S": known or fresh[0][0]}},
        }
        at = {"N": str(moment)}
        head = {
            "Item": key_of(_partition(server), _HEAD) | {"h": at} | long,
            "ConditionExpression": "attribute_not_exists(h) OR h < :moment",
            "ExpressionAttributeValues": {":moment": at},
        }
        written = [
            key_of(_partition(server), f"{place}#{ordinal:02d}") | end | {"b": {"B": pack}}
            for ordinal, pack in enumerate(packs([one.occurrence for _, one in fresh]))
        ]
        return [{"Put": position}, {"Put": head}, *({"Put": {"Item": item}} for item in written)]


def _partition(server: ServerId) -> str:
    return f"S#{server}#LOG"


def _source_key(source: str, server: ServerId) -> tuple[str, str]:
    return _partition(server), f"P#{source}"


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:8]


def _milliseconds(at: float) -> str:
    return f"{int(at * 1_000):013d}"
