"""The type of an item as DynamoDB's calls take and give it: apart from the models, which take time to load."""

from __future__ import annotations

from typing import Any

Item = dict[str, dict[str, Any]]


def is_over(item: Item, now: float) -> bool:
    """Whether an item's lifetime `x` has ended. DynamoDB gives such an item out until it removes it, days later."""
    return "x" in item and float(item["x"]["N"]) <= now
