"""DynamoDB verbs that all access patterns share: conditional writes that tell why they failed, whole batches, queries.

Each verb is as many calls as DynamoDB needs and no more; unprocessed keys are asked for again, three times, and
unprocessed items put again for half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.domain.errors import Contended, TemporaryFailure

Key = tuple[str, str]
Item = dict[str, dict[str, Any]]
"""An item as DynamoDB's calls take and give it."""

_FAILED = "ConditionalCheckFailedException"
_BATCH_KEYS = 100
_BATCH_ITEMS = 25
_TRIES = 4
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)
_BUSY = "The mail store is busy, try again later"

MOVED = "moved"
"""How the name of a writing call begins, in an item's `n`, when the call brought what another installation had."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a conditional write did: whether its condition held, and the item after it, or (not held) as it stands."""

    held: bool
    item: Item


class Table:
    """One table by its name. `written` is called after each write, whether or not its condition held."""

    def __init__(self, session: AwsSession, name: str) -> None:
        self.name = name
        self.written: Callable[[], None] = _nothing
        self._session = session

    async def get(self, pk: str, sk: str, *, consistent: bool = True) -> Item | None:
        """One item, or None."""
        answer = await self._session.call(
            "dynamodb",
            "get_item",
            TableName=self.name,
            Key=key_of(pk, sk),
            ConsistentRead=consistent,
        )
        item: Item | None = answer.get("Item")
        return item

    async def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """Those of the keys that exist."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for start in range(0, len(wanted), _BATCH_KEYS):
            await self._get_batch(wanted[start : start + _BATCH_KEYS], consistent, found)
        return found

    async def put(
        self, item: Item, condition: str | None = None, values: Item | None = None
    ) -> Written:
        """Put an item, if the condition holds."""
        written = await self._write("put_item", condition, values, Item=item)
        return Written(True, item) if written.held else written

    async def put_many(self, items: Sequence[Item]) -> None:
        """Put items, each of another key, whatever is there; in no order, and not at once."""
        await self._write_batches([{"PutRequest": {"Item": item}} for item in items])

    async def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete the items of these keys, each of another, that are there; in no order, and not at once."""
        await self._write_batches([{"DeleteRequest": {"Key": key_of(*key)}} for key in keys])

    async def update(
        self,
        key: Key,
        expression: str,
        values: Item,
        condition: str | None = None,
        *,
        names: dict[str, str] | None = None,
        returning: str = "NONE",
    ) -> Written:
        """Update an item, if the condition holds. `returning` as in DynamoDB; `Written.item` is what it returned."""
        more: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        return await self._write(
            "update_item",
            condition,
            values,
            Key=key_of(*key),
            UpdateExpression=expression,
            ReturnValues=returning,
            **more,
        )

    async def delete(self, key: Key, condition: str | None = None) -> Written:
        """Delete an item, if the condition holds; `Written.item` is what was deleted."""
        return await self._write(
            "delete_item", condition, None, Key=key_of(*key), ReturnValues="ALL_OLD"
        )

    async def delete_if(self, key: Key, condition: str, values: Item) -> bool:
        """Delete an item if it is there and the condition holds."""
        return (await self._write("delete_item", condition, values, Key=key_of(*key))).held

    async def query(
        self,
        partition: tuple[str, str],
        *,
        limit: int | None = None,
        sort: str | None = None,
        values: Item | None = None,
        index: str | None = None,
        forward: bool = True,
        consistent: bool = False,
        after: Key | None = None,
    ) -> list[Item]:
        """The items of one partition (attribute name, value), at most `limit`; `sort` narrows by sort key. What follows
        the key `after`, whether or not that exists."""
        condition = f"{partition[0]} = :partition" + (f" AND {sort}" if sort else "")
        parameters: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":partition": {"S": partition[1]}, **(values or {})},
            "ScanIndexForward": forward,
            "ConsistentRead": consistent,
        }
        if index is not None:
            parameters["IndexName"] = index
        if after is not None:
            parameters["ExclusiveStartKey"] = key_of(*after)
        found: list[Item] = []
        while True:
            if limit is not None:
                parameters["Limit"] = limit - len(found)
            answer = await self._session.call("dynamodb", "query", **parameters)
            found += answer["Items"]
            last = answer.get("LastEvaluatedKey")
            if not last or (limit is not None and len(found) >= limit):
                return found
            parameters["ExclusiveStartKey"] = last

    async def transact(self, *actions: dict[str, Any]) -> int | None:
        """All of the actions (as in DynamoDB, without the table's name) or none. None when all were done, else the
        index of the first whose condition failed."""
        from botocore.exceptions import ClientError

        items = [
            {verb: {"TableName": self.name, **action}}
            for one in actions
            for verb, action in one.items()
        ]
        cancelled = "TransactionCanceledException"
        try:
            await self._session.call(
                "dynamodb", "transact_write_items", expected=(cancelled,), TransactItems=items
            )
        except ClientError as error:
            reasons = error.response.get("CancellationReasons") or []
            for index, reason in enumerate(reasons):
                if reason.get("Code") == "ConditionalCheckFailed":
                    return index
            raise Contended("The change met another one, try again later") from error
        finally:
            self.written()
        return None

    async def _write(
        self, operation: str, condition: str | None, values: Item | None, **parameters: Any
    ) -> Written:
        """Write, if the condition holds; `Written.item` is what was returned."""
        from botocore.exceptions import ClientError

        if condition is not None:
            parameters["ConditionExpression"] = condition
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if values:
            parameters["ExpressionAttributeValues"] = values
        try:
            answer = await self._session.call(
                "dynamodb", operation, expected=(_FAILED,), TableName=self.name, **parameters
            )
        except ClientError as error:
            response: dict[str, Any] = {**error.response}
            return Written(False, response.get("Item", {}))
        finally:
            self.written()
        return Written(True, answer.get("Attributes", {}))

    async def _get_batch(
        self, keys: Sequence[Key], consistent: bool, found: dict[Key, Item]
    ) -> None:
        request: dict[str, Any] = {
            self.name: {
                "Keys": [key_of(*key) for key in keys],
                "ConsistentRead": consistent,
            }
        }
        for _ in range(_TRIES):
            answer = await self._session.call("dynamodb", "batch_get_item", RequestItems=request)
            for item in answer["Responses"].get(self.name, ()):
                found[item["PK"]["S"], item["SK"]["S"]] = item
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise TemporaryFailure(_BUSY)

    async def _write_batches(self, requests: Sequence[dict[str, Any]]) -> None:
        starts = range(0, len(requests), _BATCH_ITEMS)
        batches = (requests[start : start + _BATCH_ITEMS] for start in starts)
        await asyncio.gather(*(self._write_batch(batch) for batch in batches))

    async def _write_batch(self, requests: Sequence[dict[str, Any]]) -> None:
        request: dict[str, Any] = {self.name: list(requests)}
        for pause in _PAUSES:
            answer = await self._session.call("dynamodb", "batch_write_item", RequestItems=request)
            request = answer.get("UnprocessedItems") or {}
            if not request:
                return
            await asyncio.sleep(pause)
        raise TemporaryFailure(_BUSY)


def key_of(pk: str, sk: str) -> Item:
    """A primary key as an attribute map."""
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def is_moved(item: Item, before: Item | None = None) -> bool:
    """Whether the call that wrote an item, and not `before`, brought what another installation had."""
    write = item.get("n", {}).get("S", "")
    return bool(write.startswith(MOVED) and (before is None or before.get("n") != item["n"]))


def is_over(item: Item, now: float) -> bool:
    """Whether an item's lifetime `x` has ended. DynamoDB gives such an item out until it removes it, days later."""
    return "x" in item and float(item["x"]["N"]) <= now


def _nothing() -> None:
    """Nobody wants to know."""
