"""DynamoDB request units of emulators, computed from what a call sent and got back.

Emulators report units that are constants or wrong, so theirs come from item sizes and the index rules: a new item with
an index key costs one unit there, a moved key two, an unchanged one nothing (all indexes are keys-only). A failed
condition costs what the write would have; transactions cost double. Images of items written lately are remembered, so
that an update whose answer has no old image can tell whether an index key moved; otherwise the keys it sets are new.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from chalicelib.adapters.aws.request_units import Parameters, Units, item_size, write_units

Item = dict[str, dict[str, Any]]

INDEX_KEYS = {"rcpt": ("rk", "SK"), "flag": ("fk", "SK"), "due": ("dk", "du")}
_REMEMBERED = 2_000
_CLAUSES = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
_READ_UNIT = 4_096


class SimulatedUnits:
    """Units of call after call. Not safe among threads: the meter holds its lock."""

    def __init__(self) -> None:
        self._images: OrderedDict[tuple[str, str, str], Item] = OrderedDict()

    def units(self, operation: str, sent: Parameters, got: Parameters) -> Units:
        """What a DynamoDB call cost. `got` is the answer, or of a failed condition its error's body."""
        match operation:
            case "GetItem":
                return Units(read=_read_units([got.get("Item", {})], _is_eventual(sent)))
            case "Query" | "Scan":
                return Units(read=_query_units(got.get("Items", ()), _is_eventual(sent)))
            case "BatchGetItem":
                return Units(read=_batch_units(sent, got))
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return Units(write=self._write(operation.removesuffix("Item"), sent, got))
            case "TransactWriteItems":
                return Units(write=self._transaction(sent, got))
            case _:
                return Units()

    def _transaction(self, sent: Parameters, got: Parameters) -> float:
        failed: Parameters = {"Error": {}} if "Error" in got else {}
        return 2 * sum(
            self._write(verb, action, failed)
            for one in sent["TransactItems"]
            for verb, action in one.items()
        )

    def _write(self, verb: str, sent: Parameters, got: Parameters) -> float:
        place = _place(sent)
        old = self._images.get(place)
        if "Error" in got:
            return write_units(got.get("Item") or old or sent.get("Item") or {})
        new = self._after(verb, sent, got, old)
        if old is None:
            old = _guess_before(sent, got, new)
        self._remember(place, new)
        moved = sum(_index_units(keys, old, new) for keys in INDEX_KEYS.values())
        return max(write_units(old), write_units(new)) + moved

    def _after(self, verb: str, sent: Parameters, got: Parameters, old: Item | None) -> Item:
        if verb == "Put":
            item: Item = sent["Item"]
            return item
        if verb == "Delete":
            return {}
        if sent.get("ReturnValues") == "ALL_NEW":
            return {**got.get("Attributes", {})}
        return _updated(sent, old if old is not None else {**sent["Key"]})

    def _remember(self, place: tuple[str, str, str], image: Item) -> None:
        self._images[place] = image
        self._images.move_to_end(place)
        if len(self._images) > _REMEMBERED:
            self._images.popitem(last=False)


def _index_units(keys: tuple[str, str], old: Item, new: Item) -> int:
    before = _index_key(keys, old)
    after = _index_key(keys, new)
    return 0 if before == after else (before is not None) + (after is not None)


def _index_key(keys: tuple[str, str], item: Item) -> tuple[Any, ...] | None:
    return tuple(item[name] for name in keys) if all(name in item for name in keys) else None


def _read_units(items: Iterable[Item], eventual: bool) -> float:
    whole = sum(max(1, -(-item_size(item) // _READ_UNIT)) for item in items)
    return whole / 2 if eventual else float(whole)


def _query_units(items: Iterable[Item], eventual: bool) -> float:
    whole = max(1, -(-sum(item_size(item) for item in items) // _READ_UNIT))
    return whole / 2 if eventual else float(whole)


def _batch_units(sent: Parameters, got: Parameters) -> float:
    units = 0.0
    for table, request in sent["RequestItems"].items():
        found = got.get("Responses", {}).get(table, [])
        absent = len(request["Keys"]) - len(found)
        units += _read_units([*found, *([{}] * absent)], _is_eventual(request))
    return units


def _is_eventual(sent: Parameters) -> bool:
    return not sent.get("ConsistentRead", False)


def _place(sent: Parameters) -> tuple[str, str, str]:
    key = sent.get("Key") or sent["Item"]
    return sent["TableName"], key["PK"]["S"], key["SK"]["S"]


def _guess_before(sent: Parameters, got: Parameters, new: Item) -> Item:
    """The old image of an item not remembered: none for a put, else the new one without what the update set."""
    if "Item" in sent:
        return {}
    if "Attributes" in got and sent.get("ReturnValues") == "ALL_OLD":
        return {**got["Attributes"]}
    set_names = _clauses(sent).get("SET", [])
    names = {part.partition("=")[0].strip() for part in set_names}
    return {name: value for name, value in new.items() if name not in names}


def _updated(sent: Parameters, old: Item) -> Item:
    """The image after an update of top-level attributes."""
    values = sent.get("ExpressionAttributeValues", {})
    clauses = _clauses(sent)
    new = {**old}
    for part in clauses.get("SET", []):
        name, _, operand = (text.strip() for text in part.partition("="))
        if operand in values:
            new[name] = values[operand]
    for part in clauses.get("ADD", []):
        name, operand = part.split()
        new[name] = values[operand]
    for name in clauses.get("REMOVE", []):
        new.pop(name, None)
    return new


def _clauses(sent: Parameters) -> dict[str, list[str]]:
    pieces = _CLAUSES.split(sent.get("UpdateExpression", ""))[1:]
    return {
        verb: [part.strip() for part in body.split(",")]
        for verb, body in zip(pieces[::2], pieces[1::2], strict=True)
    }
