"""Lanes of webhooks: their state in the mail table, their wake-ups in two queues, or in the index `due` for later.

| Item | PK | SK |
|---|---|---|
| lane | `S#<server>#WL` | the webhook |

`o` and `u`: who holds it, until when; `f`: failing since; `s`: it is slow. A lane that is to be woken later than a
queue can wait stands in the index `due` under `LANE` (`dk`, `du`), where the sweep finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.table import Item, Key, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import LONGEST_DELAY
from chalicelib.adapters.aws.sqs_lanes import SqsLanes
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.lane import Lane, LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_lanes import WebhookLanes

LANES = "WL"
_DUE = "LANE"
_CLAIM = "SET o = :owner, u = :until"
_FREE = "attribute_not_exists(u) OR u <= :now OR o = :owner"
_HELD = "o = :owner AND u = :before"
_LATER = "attribute_not_exists(du) OR du > :at"


class DynamoWebhookLanes(WebhookLanes):
    """The `WebhookLanes` port over the mail table and SQS."""

    def __init__(
        self, session: AwsSession, settings: Settings, clock: Clock, queue: SqsLanes
    ) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock
        self._queue = queue

    async def wake(self, jobs: Sequence[LaneJob], at: float = 0) -> None:
        """Queued as far ahead as SQS can, else noted with the lane."""
        if at - self._clock.now() <= LONGEST_DELAY:
            await self._queue.send(jobs, at)
            return
        for job in jobs:
            due = {":lane": {"S": _DUE}, ":at": {"N": repr(at)}}
            await self._table.update(_key_of(job), "SET dk = :lane, du = :at", due, _LATER)

    async def get(self, server: ServerId, webhook: str) -> Lane:
        """One read."""
        return _read(server, webhook, await self._table.get(*_key(server, webhook)) or {})

    async def claim(
        self, server: ServerId, webhook: str, owner: str, now: float, until: float
    ) -> Lane:
        """One update."""
        values: Item = {
            ":owner": {"S": owner},
            ":until": {"N": repr(until)},
            ":now": {"N": repr(now)},
        }
        claimed = await self._table.update(
            _key(server, webhook), _CLAIM, values, _FREE, returning="ALL_NEW"
        )
        return _read(server, webhook, claimed.item)

    async def extend(self, lane: Lane, until: float) -> bool:
        """One update."""
        values = _held(lane) | {":until": {"N": repr(until)}}
        return (await self._table.update(_key_of(lane), "SET u = :until", values, _HELD)).held

    async def let_go(self, lane: Lane, due_at: float | None) -> bool:
        """One update, and one message where it is due soon."""
        is_far = due_at is not None and due_at - self._clock.now() > LONGEST_DELAY
        sets, removes, values = ["s = :slow"], ["o", "u"], _held(lane)
        values[":slow"] = {"BOOL": lane.is_slow}
        if lane.failing_since is None:
            removes.append("f")
        else:
            sets.append("f = :since")
            values[":since"] = {"N": repr(lane.failing_since)}
        if is_far:
            sets += ["dk = :lane", "du = :at"]
            values |= {":lane": {"S": _DUE}, ":at": {"N": repr(due_at)}}
        expression = f"SET {', '.join(sets)} REMOVE {', '.join(removes)}"
        if not (await self._table.update(_key_of(lane), expression, values, _HELD)).held:
            return False
        if due_at is not None and not is_far:
            await self._queue.send([lane.job], due_at)
        return True

    async def forget_failures(self, server: ServerId, webhook: str) -> None:
        """One update."""
        values: Item = {":slow": {"BOOL": False}}
        await self._table.update(_key(server, webhook), "SET s = :slow REMOVE f", values)

    async def due(self, now: float, limit: int) -> list[LaneJob]:
        """By the index."""
        listed = await self._table.query(
            ("dk", _DUE),
            index="due",
            limit=limit,
            sort="du <= :now",
            values={":now": {"N": repr(now)}},
        )
        return [LaneJob(_server(one), one["SK"]["S"]) for one in listed]

    async def clear_due(self, job: LaneJob, now: float) -> None:
        """One update."""
        values: Item = {":now": {"N": repr(now)}}
        await self._table.update(_key_of(job), "REMOVE dk, du", values, "du <= :now")


def _key(server: ServerId, webhook: str) -> Key:
    return f"S#{server}#{LANES}", webhook


def _key_of(one: Lane | LaneJob) -> Key:
    return _key(one.server_id, one.webhook)


def _server(item: Item) -> ServerId:
    return ServerId(int(item["PK"]["S"].split("#")[1]))


def _held(lane: Lane) -> Item:
    return {":owner": {"S": lane.owner}, ":before": {"N": repr(lane.until)}}


def _read(server: ServerId, webhook: str, item: Item) -> Lane:
    return Lane(
        server,
        webhook,
        item["o"]["S"] if "o" in item else "",
        float(item["u"]["N"]) if "u" in item else 0.0,
        float(item["f"]["N"]) if "f" in item else None,
        item.get("s", {}).get("BOOL", False),
    )
