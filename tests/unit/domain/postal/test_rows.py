"""Columns that hold anything: what is no number or no time is none, and nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.postal.rows import decimal, id_of, lines, mark, moment, number, text, uuid_of

ODD: list[Any] = [
    "",
    " ",
    "abc",
    "\0",
    b"\xff",
    "9" * 400,
    "nan",
    "inf",
    -1,
    [],
    {},
    "0000-00-00 00:00:00",
]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_values_do_no_harm(value: Any) -> None:
    row = {"a": value}
    for read in (number, decimal, moment, text, mark, lines):
        read(row, "a")


def test_values_as_mariadb_gives_them() -> None:
    at = datetime(2026, 11, 28, 20, 41, 48, 461_106)
    row = {"n": Decimal("5.00"), "at": at, "zone": at.replace(tzinfo=UTC), "t": " x ", "no": None}
    assert (number(row, "n"), decimal(row, "n")) == (5, 5.0)
    assert moment(row, "at") == moment(row, "zone") == 1_795_898_508
    assert moment({"at": "0000-00-00 00:00:00"}, "at") is None
    assert (text(row, "t"), text(row, "no"), text({"t": ""}, "t")) == ("x", None, None)
    assert (number({"n": "x"}, "n"), decimal({"n": "nan"}, "n"), number(row, "absent")) == (
        None,
    ) * 3
    assert lines({"l": "a\r\n\n b \n"}, "l") == ("a", "b")


def test_a_row_without_a_uuid_is_told_by_its_number() -> None:
    assert uuid_of({"id": 7}, "ip_addresses") == "ip_addresses-7"
    assert id_of({"id": 7}, "a") != id_of({"id": 7}, "b")
    assert id_of({"uuid": "u"}, "a") == id_of({"uuid": "u", "id": 9}, "a")
