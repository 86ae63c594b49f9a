"""Messages sent per minute in the mail table: `S#<server>#C` and `m#<minute>`, kept for two hours.

Counts may be too high by one call when the SDK repeats a write whose answer was lost: a limit errs on the safe side.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.send_rate import SendRate

_KEPT_SECONDS = 7_200


class DynamoSendRate(SendRate):
    """The `SendRate` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def reserve(self, server: ServerId, now: float) -> int:
        """Count one first attempt in the minute of `now`; which one of the last 60 minutes it is."""
        minute = int(now) // 60
        counted = await self._add(server, 1, now)
        return await self._sum(server, minute - 59, minute - 1) + counted

    async def give_back(self, server: ServerId, now: float) -> None:
        """Uncount one of the minute of `now`."""
        await self._add(server, -1, now)

    async def _sum(self, server: ServerId, first: int, last: int) -> int:
        items = await self._table.query(
            ("PK", f"S#{server}#C"),
            sort="SK BETWEEN :first AND :last",
            values={":first": {"S": _sort_key(first)}, ":last": {"S": _sort_key(last)}},
        )
        return sum(int(item["n"]["N"]) for item in items)

    async def _add(self, server: ServerId, count: int, now: float) -> int:
        """Add to the minute of `now`; its count afterwards."""
        written = await self._table.update(
            (f"S#{server}#C", _sort_key(int(now) // 60)),
            "ADD n :count SET x = :end",
            {":count": {"N": str(count)}, ":end": {"N": str(int(now) + _KEPT_SECONDS)}},
            returning="UPDATED_NEW",
        )
        return int(written.item["n"]["N"])


def _sort_key(minute: int) -> str:
    return f"m#{minute:010d}"
