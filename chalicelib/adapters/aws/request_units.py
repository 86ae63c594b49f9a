"""DynamoDB request units as the service tells them.

Every answer names what it cost, if the call asks for it. A write that fails its condition is answered without: it costs
by the item that it met, whose size is known from the answer, and a cancelled transaction two units an item at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Parameters = dict[str, Any]

_WRITE_UNIT = 1_024
_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem"})


@dataclass(frozen=True, slots=True)
class Units:
    """Write and read request units of one call."""

    write: float = 0.0
    read: float = 0.0


def reported_units(operation: str, sent: Parameters, got: Parameters) -> Units:
    """What DynamoDB says that a call cost. `got` is the answer, or of a failed condition its error's body."""
    said = got.get("ConsumedCapacity")
    if said is None:
        return Units(write=_failed(sent, got)) if "Error" in got else Units()
    total = sum(one["CapacityUnits"] for one in (said if isinstance(said, list) else [said]))
    return Units(read=total) if operation in _READS else Units(write=total)


def item_size(item: Mapping[str, dict[str, Any]]) -> int:
    """Bytes that DynamoDB counts for an item: names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(item: Mapping[str, dict[str, Any]]) -> int:
    """What writing an item of this size costs in its table."""
    return max(1, -(-item_size(item) // _WRITE_UNIT))


def _failed(sent: Parameters, got: Parameters) -> int:
    actions = sent.get("TransactItems")
    if actions is not None:
        return 2 * len(actions)
    condition = "ConditionExpression" in sent
    return write_units(got.get("Item") or {}) if condition else 0


def _value_size(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return (sum(letter.isdigit() for letter in str(value)) + 1) // 2 + 1
        case "B":
            return len(value)
        case "M":
            return 3 + item_size(value) + len(value)
        case "L":
            return 3 + sum(1 + _value_size(one) for one in value)
        case _:
            return 1
