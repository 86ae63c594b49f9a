"""Rising integers from counters in mail.db."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.storage.leased_numbers import LeasedNumbers, NumberBlock
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock

if TYPE_CHECKING:
    import apsw

_LEASE = (
    "INSERT INTO numbers VALUES (:server, :kind, :size)"
    " ON CONFLICT DO UPDATE SET n = n + :size RETURNING n"
)


class SqliteNumbers(LeasedNumbers):
    """The `Numbers` port over mail.db."""

    def __init__(self, database: MailDatabase, clock: Clock, block: NumberBlock) -> None:
        super().__init__(clock, block)
        self._database = database

    async def _lease(self, server: ServerId, kind: str, size: int) -> int:
        return await self._database.write(lambda db: lease(db, server, kind, size))


def lease(db: apsw.Connection, server: ServerId, kind: str, size: int) -> int:
    """Take the next `size` numbers of a kind in this transaction; the last of them."""
    ((last,),) = fetched(db, _LEASE, {"server": server, "kind": kind, "size": size})
    return int(last)
