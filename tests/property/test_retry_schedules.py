"""Schedules survive being written down; waits stay near what they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Rejected
from chalicelib.domain.outgoing.retry import (
    Schedule,
    default_schedule,
    next_wait,
    parse_schedule,
)

WAITS = st.lists(st.integers(1, 7 * 86400), min_size=1, max_size=100).map(tuple)
JITTER = st.floats(0, 1, exclude_max=True)


@given(WAITS)
def test_waits_are_read_as_they_are_told(waits: tuple[int, ...]) -> None:
    assert parse_schedule(",".join(f"{wait}s" for wait in waits)) == Schedule(waits)


@given(st.text(alphabet="0123456789smhd*,. \n٣", max_size=60))
def test_any_text_is_read_within_the_bounds_or_rejected(text: str) -> None:
    try:
        waits = parse_schedule(text).waits
    except Rejected:
        return
    assert 1 <= len(waits) <= 100
    assert all(1 <= wait <= 7 * 86400 for wait in waits)


@given(WAITS, st.integers(-5, 120), JITTER)
def test_waits_are_within_a_tenth(waits: tuple[int, ...], tries: int, jitter: float) -> None:
    wait = next_wait(Schedule(waits), tries, jitter)
    if 0 <= tries < len(waits):
        assert wait is not None
        assert abs(wait - waits[tries]) <= waits[tries] * 0.1 + 1
        assert wait >= 1
    else:
        assert wait is None


@given(st.integers(0, 16), JITTER, JITTER)
def test_default_waits_rise_whatever_the_jitter(tries: int, one: float, two: float) -> None:
    schedule = default_schedule()
    first, second = next_wait(schedule, tries, one), next_wait(schedule, tries + 1, two)
    assert first is not None and second is not None and second > first


@given(st.integers(0, 17), JITTER, JITTER)
def test_more_jitter_never_waits_less(tries: int, one: float, two: float) -> None:
    low, high = sorted((one, two))
    schedule = default_schedule()
    assert (next_wait(schedule, tries, low) or 0) <= (next_wait(schedule, tries, high) or 0)
