"""Links, opens and clicks in the mail table, beside the older deliveries of their message.

| Item | PK | SK |
|---|---|---|
| links | `T#<server>#<message>` | `L` |
| open or click | `T#<server>#<message>` | `E#<milliseconds>#<random>` |

A hit is one put of one write unit; the message is written a second time at its first open, the first of a person, and
each click. A process remembers which messages it has seen opened, so that it does not ask again: a first open noted by
another process costs one condition that fails. What is written to the message is that one attribute, whoever has its
lease. DynamoDB removes an item up to days after its time; until then it is left out by what it says itself.
"""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.records import log_partition
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import Item, Table, is_over, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound, PermanentFailure
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.rand import Rand

LARGEST_LINKS = 300_000  # of the 400 kB of an item
_MOST_OPENED = 20_000
LINKS = "L"
HIT = "E#"
_KINDS = {EngagementKind.OPEN: "o", EngagementKind.CLICK: "c"}
_KIND_OF = {code: kind for kind, code in _KINDS.items()}
# A direct key, because a message that is gone must not come back as an item of two attributes.
_NOTES = {
    (EngagementKind.OPEN, True): (
        "SET oa = :at",
        "attribute_exists(PK) AND attribute_not_exists(oa)",
    ),
    (EngagementKind.OPEN, False): (
        "SET oa = if_not_exists(oa, :at), po = :at",
        "attribute_exists(PK) AND attribute_not_exists(po)",
    ),
    (EngagementKind.CLICK, True): (
        "SET ca = :at",
        "attribute_exists(PK) AND (attribute_not_exists(ca) OR ca < :at)",
    ),
    (EngagementKind.CLICK, False): (
        "SET ca = :at, pc = if_not_exists(pc, :at)",
        "attribute_exists(PK) AND (attribute_not_exists(ca) OR ca < :at)",
    ),
}
_LATE = "SET pc = :at", "attribute_exists(PK) AND attribute_not_exists(pc)"


class DynamoEngagement(Engagement):
    """The `Engagement` port over the mail table."""

    def __init__(
        self,
        session: AwsSession,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        shards: Shards,
    ) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock
        self._rand = rand
        self._shards = shards
        self._opened: OrderedDict[tuple[ServerId, MessageId], bool] = OrderedDict()

    async def keep_links(
        self, server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
    ) -> None:
        """Store what links point to, compressed. PermanentFailure when they are too long to be kept in one item."""
        await self._table.put(links_item(server, message, links, keep_until))

    async def link(self, server: ServerId, message: MessageId, number: int) -> str:
        """One read of the links' item."""
        item = await self._table.get(log_partition(server, message), LINKS, consistent=False)
        if item is None or is_over(item, self._clock.now()):
            raise NotFound("There is no such link")
        links = read_links(item)
        if not 1 <= number <= len(links):
            raise NotFound("There is no such link")
        return links[number - 1]

    async def record(
        self, server: ServerId, message: MessageId, hit: EngagementEvent, keep_until: int
    ) -> None:
        """Put the hit, then note it on the message where that says something new."""
        mark = self._rand.bytes(4).hex()
        await self._table.put(hit_item(server, message, hit, keep_until, mark))
        is_open = hit.kind is EngagementKind.OPEN
        if is_open and self._opened.get((server, message), -1) >= (not hit.automatic):
            return
        shard = message % await self._shards(server)
        expression, condition = _NOTES[hit.kind, hit.automatic]
        key = (f"S#{server}#o#{shard}", f"{message:010d}")
        at: Item = {":at": {"N": repr(hit.at)}}
        noted = await self._table.update(key, expression, at, condition)
        if is_open:
            self._remember(server, message, by_person=not hit.automatic)
        elif not (noted.held or hit.automatic or "pc" in noted.item):
            # A machine's click that came later was noted first.
            await self._table.update(key, _LATE[0], at, _LATE[1])

    async def hits(
        self, server: ServerId, message: MessageId, most: int = 1_000
    ) -> tuple[EngagementEvent, ...]:
        """One query, backwards, so that the newest are there when there are too many."""
        items = await self._table.query(
            ("PK", log_partition(server, message)),
            sort="begins_with(SK, :prefix)",
            values={":prefix": {"S": HIT}},
            limit=most,
            forward=False,
        )
        now = self._clock.now()
        found = [read_hit(item) for item in items if not is_over(item, now)]
        return tuple(sorted(found, key=lambda hit: hit.at))  # their keys tell milliseconds

    async def named(
        self, server: ServerId, names: Sequence[tuple[MessageId, str]]
    ) -> dict[tuple[MessageId, str], EngagementEvent]:
        """One read of all; see the port."""
        keys = [(log_partition(server, message), f"{HIT}{name}") for message, name in names]
        items = await self._table.get_many(keys)
        now = self._clock.now()
        both = zip(names, keys, strict=True)
        return {
            one: read_hit(items[key])
            for one, key in both
            if key in items and not is_over(items[key], now)
        }

    def _remember(self, server: ServerId, message: MessageId, *, by_person: bool) -> None:
        self._opened[server, message] = by_person
        if len(self._opened) > _MOST_OPENED:
            self._opened.popitem(last=False)


def links_item(server: ServerId, message: MessageId, links: Sequence[str], keep_until: int) -> Item:
    """The item of a message's links; PermanentFailure when they are too long to be kept in one."""
    packed = zlib.compress(json.dumps(list(links), ensure_ascii=False).encode())
    if len(packed) > LARGEST_LINKS:
        raise PermanentFailure("The links of this message are too long to be tracked")
    return _item(server, message, LINKS, keep_until) | {"b": {"B": packed}}


def read_links(item: Item) -> tuple[str, ...]:
    """What the links of an item point to."""
    return tuple(json.loads(zlib.decompress(item["b"]["B"])))


def hit_item(
    server: ServerId, message: MessageId, hit: EngagementEvent, keep_until: int, mark: str
) -> Item:
    """The item of an open or click; `mark` tells it from others of the same millisecond."""
    place = f"{HIT}{int(hit.at * 1000):013d}#{mark}"
    return _item(server, message, place, keep_until) | _render(hit)


def read_hit(item: Item) -> EngagementEvent:
    """The open or click of an item."""
    return EngagementEvent(
        kind=_KIND_OF[item["k"]["S"]],
        at=float(item["t"]["N"]),
        address=item["i"]["S"],
        user_agent=item["u"]["S"],
        url=item["l"]["S"] if "l" in item else "",
        automatic="m" in item,
    )


def _item(server: ServerId, message: MessageId, place: str, keep_until: int) -> Item:
    return key_of(log_partition(server, message), place) | {"x": {"N": str(keep_until)}}


def _render(hit: EngagementEvent) -> Item:
    item: Item = {
        "k": {"S": _KINDS[hit.kind]},
        "t": {"N": repr(hit.at)},
        "i": {"S": hit.address},
        "u": {"S": hit.user_agent},
    }
    if hit.url:
        item["l"] = {"S": hit.url}
    if hit.automatic:
        item["m"] = {"BOOL": True}
    return item
