"""The field tables name every field of their values once, and what a codec is told of them suffices to make one."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from chalicelib.domain.fields import (
    BLOB,
    DELIVERY,
    DSN,
    JOB,
    MESSAGE,
    ORIGIN,
    OUTCOME,
    RECORD,
    REQUIRED,
    Kind,
    Table,
)

# What each store keeps of a record in a way of its own.
OF_THE_STORE = {"message", "deliveries", "by_sweeper", "taken_over"}


@pytest.mark.parametrize("table", [BLOB, DSN, ORIGIN, MESSAGE, DELIVERY, OUTCOME, JOB, RECORD])
def test_every_field_has_a_row_and_one_name(table: Table[Any]) -> None:
    missing = OF_THE_STORE if table is RECORD else set()
    assert {one.name for one in table.fields} == {one.name for one in fields(table.value)} - missing
    for names in ([one.name for one in table.fields], [one.short for one in table.fields]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("table", [MESSAGE, DELIVERY, OUTCOME, JOB, RECORD])
def test_defaults_are_those_of_the_value(table: Table[Any]) -> None:
    rows = {one.name: one.default for one in table.fields}
    for field in fields(table.value):
        if field.default is not MISSING and rows.get(field.name, REQUIRED) is not REQUIRED:
            assert rows[field.name] == field.default


def test_a_job_has_no_name_twice() -> None:
    names = [
        one.short
        for one in (*ORIGIN.fields, *MESSAGE.fields, *JOB.fields)
        if one.kind is not Kind.FLAT
    ]
    assert len(set(names)) == len(names)
