"""Rising integers from counters in the mail table."""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.leased_numbers import LeasedNumbers, NumberBlock
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock


class DynamoNumbers(LeasedNumbers):
    """The `Numbers` port over the mail table."""

    def __init__(
        self, session: AwsSession, settings: Settings, clock: Clock, block: NumberBlock
    ) -> None:
        super().__init__(clock, block)
        self._table = Table(session, settings.mail_table)

    async def _lease(self, server: ServerId, kind: str, size: int) -> int:
        written = await self._table.update(
            (f"S#{server}#SEQ", kind),
            "ADD n :size",
            {":size": {"N": str(size)}},
            returning="UPDATED_NEW",
        )
        return int(written.item["n"]["N"])
