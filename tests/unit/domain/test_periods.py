"""Slots of minutes, hours, days and months of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.domain.periods import Period, before, next_after, slots_between, start_of


def at(*moment: int) -> int:
    year, month, day, *rest = moment
    return int(datetime(year, month, day, *rest, tzinfo=UTC).timestamp())


def test_a_month_begins_on_its_first_day() -> None:
    assert start_of(Period.MONTH, at(2028, 2, 29, 23, 59) + 59.9) == at(2028, 2, 1)
    assert start_of(Period.MONTH, at(2028, 3, 1)) == at(2028, 3, 1)


@pytest.mark.parametrize(
    ("start", "following"),
    [((2028, 2, 1), (2028, 3, 1)), ((2026, 12, 1), (2027, 1, 1)), ((2027, 1, 1), (2027, 2, 1))],
)
def test_months_follow_one_another(
    start: tuple[int, int, int], following: tuple[int, int, int]
) -> None:
    assert next_after(Period.MONTH, at(*start)) == at(*following)
    assert before(Period.MONTH, at(*following), 1) == at(*start)
    assert slots_between(Period.MONTH, at(*start), at(*following)) == 2


def test_a_year_of_months() -> None:
    assert before(Period.MONTH, at(2027, 3, 1), 11) == at(2026, 4, 1)
    assert slots_between(Period.MONTH, at(2026, 4, 1), at(2027, 3, 1)) == 12


@pytest.mark.parametrize("period", list(Period))
def test_nothing_is_before_1970(period: Period) -> None:
    assert before(period, start_of(period, 90 * 86_400), 100_000_000) == 0


@pytest.mark.parametrize(
    ("period", "seconds"), [(Period.MINUTE, 60), (Period.HOUR, 3_600), (Period.DAY, 86_400)]
)
def test_the_others_have_a_length(period: Period, seconds: int) -> None:
    start = start_of(period, 1_800_003_661.9)
    assert start % seconds == 0 and 0 <= 1_800_003_661.9 - start < seconds
    assert next_after(period, start) - start == start - before(period, start, 1) == seconds
    assert slots_between(period, start, start + 3 * seconds) == 4
