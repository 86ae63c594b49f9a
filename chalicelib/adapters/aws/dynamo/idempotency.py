"""First answers by idempotency key in the mail table: `S#<server>#I` and the key, kept for 24 hours.

A claim is one conditional put. Long answers are compressed; one that does not fit into an item is a `TemporaryFailure`
of `complete`, which leaves the claim open.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.table import MOVED, Item, Table, is_over, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.idempotency import (
    Claimed,
    IdempotencyClaim,
    IdempotencyKeys,
    KeptAnswer,
)
from chalicelib.ports.rand import Rand

ANSWER_KEPT_SECONDS = DAY
CLAIM_OPEN_SECONDS = 60

_FREE = "attribute_not_exists(PK) OR x <= :now"
_LEFT_OPEN = "(attribute_not_exists(st) AND f = :fingerprint AND t <= :abandoned)"
_OPEN = "attribute_exists(PK) AND attribute_not_exists(st)"


class DynamoIdempotencyKeys(IdempotencyKeys):
    """The `IdempotencyKeys` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, rand: Rand) -> None:
        self._table = Table(session, settings.mail_table)
        self._rand = rand

    async def begin(
        self, server: ServerId, key: str, fingerprint: str, now: float
    ) -> IdempotencyClaim:
        """Claim a key for a request; see the port."""
        write = self._rand.bytes(8).hex()
        item = {
            **key_of(_partition(server), key),
            "f": {"S": fingerprint},
            "t": {"N": repr(now)},
            "n": {"S": write},
            "x": {"N": str(int(now) + ANSWER_KEPT_SECONDS)},
        }
        values: Item = {
            ":now": {"N": str(int(now))},
            ":fingerprint": {"S": fingerprint},
            ":abandoned": {"N": repr(now - CLAIM_OPEN_SECONDS)},
        }
        written = await self._table.put(item, f"{_FREE} OR {_LEFT_OPEN}", values)
        known = written.item
        if written.held or known.get("n") == {"S": write}:
            return IdempotencyClaim(Claimed.STARTED)
        if known.get("f") != {"S": fingerprint}:
            return IdempotencyClaim(Claimed.OTHER_BODY)
        if "st" not in known:
            return IdempotencyClaim(Claimed.IN_FLIGHT)
        return IdempotencyClaim(Claimed.REPLAY, *_answer(known))

    async def complete(self, server: ServerId, key: str, status: int, body: str) -> None:
        """Keep the first answer; a later one changes nothing."""
        values: Item = {
            ":status": {"N": str(status)},
            ":body": {"B": zlib.compress(body.encode())},
        }
        await self._table.update(
            (_partition(server), key), "SET st = :status, b = :body", values, _OPEN
        )

    async def abandon(self, server: ServerId, key: str) -> None:
        """Give an open claim back; an answered one stays."""
        await self._table.delete((_partition(server), key), _OPEN)

    async def all(self, server: ServerId, now: float) -> list[KeptAnswer]:
        """The answers of a server: its partition."""
        items = await self._table.query(("PK", _partition(server)), consistent=True)
        return [
            KeptAnswer(one["SK"]["S"], one["f"]["S"], float(one["t"]["N"]), *_answer(one))
            for one in items
            if "st" in one and not is_over(one, now)
        ]

    async def keep(self, server: ServerId, answers: Sequence[KeptAnswer]) -> None:
        """Have answers that were given elsewhere."""
        await self._table.put_many(
            [
                {
                    **key_of(_partition(server), one.key),
                    "f": {"S": one.fingerprint},
                    "t": {"N": repr(one.at)},
                    "n": {"S": MOVED},
                    "x": {"N": str(int(one.at) + ANSWER_KEPT_SECONDS)},
                    "st": {"N": str(one.status)},
                    "b": {"B": zlib.compress(one.body.encode())},
                }
                for one in answers
            ]
        )


def _partition(server: ServerId) -> str:
    return f"S#{server}#I"


def _answer(item: Item) -> tuple[int, str]:
    return int(item["st"]["N"]), zlib.decompress(item["b"]["B"]).decode()
