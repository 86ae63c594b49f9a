"""What happened beside messages, in the mail table: its stream tells of the items, which end after a day.

| Item | PK | SK |
|---|---|---|
| occurrence, or what was done by hand | `S#<server>#HAP` | `W#<name>` |

An item that DynamoDB has not removed at its end is written over, and told of once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.table import Item, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.beside import parse_beside, render_beside
from chalicelib.config import Settings
from chalicelib.domain.deeds import Beside
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import Occurrence
from chalicelib.ports.clock import Clock
from chalicelib.ports.happenings import Happenings

KEPT_SECONDS = 86_400
PLACE = "W#"
_NEW = "attribute_not_exists(PK) OR x <= :now"


class DynamoHappenings(Happenings):
    """The `Happenings` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock

    async def note(self, occurrences: Sequence[Occurrence]) -> None:
        """A put each; see the port."""
        now = self._clock.now()
        values: Item = {":now": {"N": repr(now)}}
        await asyncio.gather(
            *(self._table.put(item_of(one, now), _NEW, values) for one in occurrences)
        )


def item_of(one: Beside, now: float) -> Item:
    """The item of what is told, also for a transaction with what it tells of."""
    key = key_of(f"S#{one.server}#HAP", f"{PLACE}{one.name}")
    end = {"x": {"N": str(int(now) + KEPT_SECONDS)}}
    return key | end | {"v": {"S": render_beside(one)}}


def telling(told: Sequence[Beside]) -> list[dict[str, Any]]:
    """The actions that store what is told of a change with it, in its transaction."""
    return [{"Put": {"Item": item_of(one, one.at)}} for one in told]


def is_told_beside(pk: str, sk: str) -> bool:
    """Whether a key is that of such an item."""
    return pk.startswith("S#") and pk.endswith("#HAP") and sk.startswith(PLACE)


def read_beside(item: Item) -> Beside:
    """What an item tells; ValueError, KeyError or TypeError for another item."""
    server = ServerId(int(item["PK"]["S"].split("#")[1]))
    return parse_beside(server, item["v"]["S"])
