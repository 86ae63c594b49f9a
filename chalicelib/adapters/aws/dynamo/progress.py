"""Where work stands, in the mail table: `WORK` and the name of the work."""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.ports.progress import Progress

_PARTITION = "WORK"


class DynamoProgress(Progress):
    """The `Progress` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def get(self, name: str) -> str:
        """One read."""
        item = await self._table.get(_PARTITION, name)
        return "" if item is None else str(item["v"]["S"])

    async def put(self, name: str, text: str) -> None:
        """One put."""
        await self._table.put(key_of(_PARTITION, name) | {"v": {"S": text}})
