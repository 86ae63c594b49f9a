"""First contacts in the mail table: `GREY#<key>`, an item a key, which ends with its time."""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Item, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.ports.greylist import KEPT_SECONDS, NOTED_SECONDS, Greylist

_MET = "SET t = if_not_exists(t, :now), x = :end"
_KNOWN = "attribute_not_exists(PK) OR x > :now"
_BEGIN = "SET t = :now, x = :end"


class DynamoGreylist(Greylist):
    """The `Greylist` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def met(self, key: str, now: float) -> float:
        """One read, and one update for what is new or was not met for a day; one more where its time is over."""
        at, end = (f"GREY#{key}", "A"), int(now) + KEPT_SECONDS
        item = await self._table.get(*at)
        if item is not None and int(item["x"]["N"]) > end - NOTED_SECONDS:
            return float(item["t"]["N"])
        values: Item = {":now": {"N": repr(now)}, ":end": {"N": str(end)}}
        met = await self._table.update(at, _MET, values, _KNOWN, returning="ALL_NEW")
        if not met.held:
            met = await self._table.update(at, _BEGIN, values, returning="ALL_NEW")
        return float(met.item["t"]["N"])
