"""Messages sent per minute in the mail table: `S#<server>#C` and `m#<minute>`, kept for two hours.

Counts may be too high by one call when the SDK repeats a write whose answer was lost: a limit errs on the safe side.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.domain.model import ServerId

_KEPT_SECONDS = 7_200


class DynamoSendVolume:
    """The `SendVolume` port over the mail table."""

    def __init__(self, session: AwsSession, table: str) -> None:
        self._table = Table(session, table)

    async def last_hour(self, server: ServerId, now: float) -> int:
        """The sum over this minute and the 59 before."""
        minute = int(now) // 60
        items = await self._table.query(
            ("PK", f"S#{server}#C"),
            sort="SK BETWEEN :first AND :last",
            values={":first": {"S": _sort_key(minute - 59)}, ":last": {"S": _sort_key(minute)}},
        )
        return sum(int(item["n"]["N"]) for item in items)

    async def add(self, server: ServerId, count: int, now: float) -> None:
        """Count first attempts in the minute of `now`."""
        await self._table.update(
            (f"S#{server}#C", _sort_key(int(now) // 60)),
            "ADD n :count SET x = :end",
            {":count": {"N": str(count)}, ":end": {"N": str(int(now) + _KEPT_SECONDS)}},
        )


def _sort_key(minute: int) -> str:
    return f"m#{minute:010d}"
