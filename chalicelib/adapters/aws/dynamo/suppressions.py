"""Suppressed recipients in the mail table: `S#<server>#SUP` and the address without case, removed by TTL when over."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.listing import recipient_key
from chalicelib.config import Settings
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.suppression import Suppression
from chalicelib.ports.suppressions import SuppressionList


class DynamoSuppressionList(SuppressionList):
    """The `SuppressionList` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def listed(
        self, pairs: Sequence[tuple[ServerId, str]], now: float
    ) -> dict[tuple[ServerId, str], Suppression]:
        """Those of the pairs that are listed and not expired: one batch read for up to a hundred pairs."""
        keys = {pair: _key(*pair) for pair in pairs}
        items = await self._table.get_many(list(keys.values()), consistent=False)
        found = {pair: _read(items[key]) for pair, key in keys.items() if key in items}
        # TTL removes late, so that an entry may still be there after its end.
        return {pair: entry for pair, entry in found.items() if entry.keep_until > now}

    async def all(self, server: ServerId, now: float) -> list[Suppression]:
        """Those of a server, by address: its partition."""
        items = await self._table.query(("PK", _partition(server)), consistent=True)
        return [entry for entry in map(_read, items) if entry.keep_until > now]

    async def add(self, server: ServerId, entry: Suppression) -> None:
        """List a recipient, or renew its entry."""
        item = {
            **key_of(*_key(server, entry.address)),
            "r": {"S": entry.address},
            "d": {"S": entry.reason},
            "t": {"N": repr(entry.at)},
            "x": {"N": str(entry.keep_until)},
        }
        evidence = (("em", entry.email), ("re", entry.report))
        item |= {name: {"N": str(one)} for name, one in evidence if one is not None}
        await self._table.put(item)

    async def remove(self, server: ServerId, address: str) -> bool:
        """Unlist a recipient; False when it was not listed."""
        return bool((await self._table.delete(_key(server, address))).item)


def _key(server: ServerId, address: str) -> Key:
    return _partition(server), recipient_key(address)


def _partition(server: ServerId) -> str:
    return f"S#{server}#SUP"


def _read(item: Item) -> Suppression:
    return Suppression(
        address=item["r"]["S"],
        reason=item["d"]["S"],
        at=float(item["t"]["N"]),
        keep_until=int(item["x"]["N"]),
        email=MessageId(int(item["em"]["N"])) if "em" in item else None,
        report=int(item["re"]["N"]) if "re" in item else None,
    )
