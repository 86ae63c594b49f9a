"""What older commits left in queues and tables is read as what it was, and items are written as before."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.dynamo.records import (
    message_item,
    older_delivery_item,
    read_delivery,
    read_record,
)
from chalicelib.domain.delivery_job import parse_job, render_job
from tests import older_values

WRITTEN = Path(__file__).parents[2] / "data" / "written-by"
WRITE = "0011223344ff"

LATER_DELIVERIES, LATER_ITEMS, LATER_RECORDS = older_values.with_later_fields()
JOBS = older_values.JOBS | LATER_ITEMS
RECORDS = older_values.RECORDS | LATER_RECORDS
DELIVERIES = older_values.DELIVERIES | LATER_DELIVERIES


def written(file: str) -> list[Any]:
    """The entries of a file by every commit that has one, as (name, what was written)."""
    return [
        pytest.param(name, entry, id=f"{path.parent.name}: {name}")
        for path in sorted(WRITTEN.glob(f"*/{file}"))
        for name, entry in json.loads(path.read_text()).items()
    ]


def as_returned(value: Any) -> Any:
    """An item as DynamoDB gives it back: numbers in their shortest form."""
    if isinstance(value, list):
        return [as_returned(one) for one in value]
    if isinstance(value, dict):
        return {
            name: f"{Decimal(one).normalize():f}" if name == "N" else as_returned(one)
            for name, one in value.items()
        }
    return value


def test_there_are_two_commits_and_each_wrote_all_that_it_knew() -> None:
    assert len(written("queue.json")) == 2 * len(JOBS) - len(LATER_ITEMS)
    assert len(written("messages.json")) == 2 * len(RECORDS) - len(LATER_RECORDS)
    assert len(written("deliveries.json")) == 2 * len(DELIVERIES) - len(LATER_DELIVERIES)


@pytest.mark.parametrize(("name", "text"), written("queue.json"))
def test_a_wake_up_is_read(name: str, text: str) -> None:
    assert parse_job(text) == JOBS[name]


@pytest.mark.parametrize(("name", "text"), written("queue.json"))
def test_a_wake_up_without_an_outcome_is_written_as_before(name: str, text: str) -> None:
    if JOBS[name].outcome is None:
        assert json.loads(render_job(JOBS[name])) == json.loads(text)


@pytest.mark.parametrize(("name", "item"), written("messages.json"))
def test_a_message_is_read(name: str, item: dict[str, Any]) -> None:
    assert read_record(item) == RECORDS[name]
    assert read_record(as_returned(item)) == RECORDS[name]


@pytest.mark.parametrize(("name", "item"), written("messages.json"))
def test_a_message_is_written_as_before(name: str, item: dict[str, Any]) -> None:
    assert message_item(RECORDS[name], older_values.SHARDS.get(name, 0), WRITE) == item


@pytest.mark.parametrize(("name", "item"), written("deliveries.json"))
def test_a_delivery_is_read(name: str, item: dict[str, Any]) -> None:
    assert read_delivery(item["v"]["M"]) == DELIVERIES[name]
    assert read_delivery(as_returned(item)["v"]["M"]) == DELIVERIES[name]


@pytest.mark.parametrize(("name", "item"), written("deliveries.json"))
def test_a_delivery_is_written_as_before(name: str, item: dict[str, Any]) -> None:
    message = older_values.ORDINARY
    assert older_delivery_item(message.server_id, message.id, DELIVERIES[name]) == item
