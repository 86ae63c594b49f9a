"""The contract's schedule, and schedules that people write."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.outgoing.retry import (
    Schedule,
    default_schedule,
    next_wait,
    parse_schedule,
)

CONTRACT_MINUTES = [
    5, 6.5, 8.45, 10.98, 14.28, 18.56, 24.13, 31.37, 40.79,
    53.02, 68.93, 89.61, 116.49, 151.44, 196.87, 255.93, 332.71, 432.52,
]  # fmt: skip


def test_the_default_schedule_is_the_contracts() -> None:
    schedule = default_schedule()
    minutes = [next_wait(schedule, tries, 0.5) for tries in range(18)]
    assert [round((wait or 0) / 60, 1) for wait in minutes] == [
        pytest.approx(wait, abs=0.06) for wait in CONTRACT_MINUTES
    ]
    assert sum(schedule.waits) / 3600 == pytest.approx(31.0, abs=0.1)
    assert sum(schedule.waits[:-1]) / 3600 == pytest.approx(23.8, abs=0.1)
    assert next_wait(schedule, 18, 0.5) is None
    assert next_wait(schedule, -1, 0.5) is None


def test_no_default_wait_is_over_a_week() -> None:
    assert max(default_schedule(60).waits) == 7 * 86400


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("1m,5m*2,1h*3", (60, 300, 300, 3600, 3600, 3600)),
        ("1s", (1,)),
        ("7d", (604_800,)),
        (" 30s , 2h ", (30, 7200)),
        ("1m*100", (60,) * 100),
    ],
)
def test_written_schedules(text: str, waits: tuple[int, ...]) -> None:
    assert parse_schedule(text) == Schedule(waits)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty entry"),
        ("1m,,2m", "an empty entry"),
        ("1m,5x", "'5x'"),
        ("5", "'5'"),
        ("m", "'m'"),
        ("-1m", "'-1m'"),
        ("1.5m", "'1.5m'"),
        ("1m,...", "'...'"),
        ("1m*", "'1m*'"),
        ("٣m", "'٣m'"),
        ("0s", "not from 1s to 7d"),
        ("8d", "not from 1s to 7d"),
        ("1m*0", "not 1 to 100 times"),
        ("1m*101", "not 1 to 100 times"),
        ("1m*60,2m*41", "at most 100 waits"),
        ("1m," * 1000, "too long"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, said: str) -> None:
    with pytest.raises(Rejected, match=said.replace("*", r"\*").replace(".", r"\.")):
        parse_schedule(text)


def test_waits_are_told_in_any_unit_and_repeated() -> None:
    assert parse_schedule("1m,5m*2,1h,1d,90s") == Schedule((60, 300, 300, 3600, 86400, 90))
