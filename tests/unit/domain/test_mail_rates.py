"""Whether a complaint or bounce rate holds mail: what is above, what is met exactly, of how many, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.durations import HOUR
from chalicelib.domain.limits.limit import LimitOwner, Line, hold_of, line_of
from chalicelib.domain.limits.rates import (
    Hours,
    details_of,
    holds_of,
    judged,
    limit_of_hold,
    measured,
    window,
)
from chalicelib.domain.statistics import Count
from chalicelib.domain.tenancy.rate_limits import (
    Rate,
    RateHold,
    RateLimits,
    hundredths,
    is_percentage,
)
from tests.fakes import a_server, an_organization

NOW = 1_711_108_800 + 90.0  # a minute and a half behind a full hour
THIS = 1_711_108_800


def hours(*, at: int = THIS, sent: int = 0, **counts: int) -> Hours:
    names = {"sent": Count.SENT_MESSAGES, "complaints": Count.PROVEN_COMPLAINTS}
    names |= {"refused": Count.REFUSED_MESSAGES, "returned": Count.RETURNED_MESSAGES}
    given = {"sent": sent, **counts}
    return {at: {names[name]: number for name, number in given.items()}}


def rates(found: tuple[RateHold, ...]) -> list[Rate]:
    return [one.rate for one in found]


COMPLAINTS = RateLimits(complaint=0.3, count=1_000)
BOUNCES = RateLimits(bounce=5, count=100)


@pytest.mark.parametrize(
    ("limits", "counts", "is_held"),
    [
        (COMPLAINTS, {"sent": 1_000, "complaints": 3}, False),  # exactly met
        (COMPLAINTS, {"sent": 1_000, "complaints": 4}, True),
        (COMPLAINTS, {"sent": 999, "complaints": 99}, False),  # of too few
        (COMPLAINTS, {"sent": 10_000, "complaints": 30}, False),
        (COMPLAINTS, {"sent": 10_000, "complaints": 31}, True),
        (COMPLAINTS, {"complaints": 5_000}, False),  # nothing was delivered
        (BOUNCES, {"sent": 95, "refused": 5}, False),
        (BOUNCES, {"sent": 94, "refused": 6}, True),
        # What came back was delivered before, and is one message.
        (BOUNCES, {"sent": 100, "returned": 5}, False),
        (BOUNCES, {"sent": 100, "returned": 6}, True),
        (BOUNCES, {"sent": 90, "refused": 9}, False),
        (BOUNCES, {"refused": 100}, True),
        (
            RateLimits(complaint=100, bounce=100, count=1),
            {"sent": 1, "complaints": 9, "refused": 9},
            False,
        ),
        (RateLimits(count=1), {"sent": 1, "complaints": 1, "refused": 1}, False),
    ],
)
def test_a_rate_holds_when_it_is_above_its_limit_of_enough_messages(
    limits: RateLimits, counts: dict[str, int], is_held: bool
) -> None:
    found = judged("", limits, hours(**counts), (), NOW)
    assert bool(found) is is_held


def test_without_a_smallest_count_it_is_a_hundred() -> None:
    limits = RateLimits(bounce=1)
    assert not judged("", limits, hours(sent=50, refused=49), (), NOW)
    assert judged("", limits, hours(sent=50, refused=50), (), NOW)


def test_both_rates_are_told_apart() -> None:
    limits = RateLimits(complaint=1, bounce=1, count=1)
    found = judged("news", limits, hours(sent=10, complaints=5, refused=10), (), NOW)
    assert rates(found) == [Rate.COMPLAINT, Rate.BOUNCE]
    assert [(one.stream, one.counted, one.base, one.percent) for one in found] == [
        ("news", 5, 10, 50.0),
        ("news", 10, 20, 50.0),
    ]
    assert {one.since for one in found} == {int(NOW)}


def test_the_window_is_24_hours_and_the_one_that_has_begun() -> None:
    first, newest = window(NOW)
    assert (first, newest) == (THIS - 24 * HOUR, THIS)
    bad = hours(at=first, sent=1_000, complaints=9)
    assert judged("", COMPLAINTS, bad, (), NOW)
    assert judged("", COMPLAINTS, bad, (), THIS + HOUR - 0.001)
    assert not judged("", COMPLAINTS, bad, (), THIS + HOUR)


def test_it_ends_with_the_first_hour_without_which_it_is_low_enough() -> None:
    bad, good = hours(at=THIS - 5 * HOUR, sent=1_000, complaints=12), hours(sent=2_000)
    (hold,) = judged("", COMPLAINTS, bad | good, (), NOW)
    assert hold.until == THIS + 20 * HOUR
    known = (hold,)
    assert judged("", COMPLAINTS, bad | good, known, hold.until - 1)
    assert not judged("", COMPLAINTS, bad | good, known, hold.until)


def test_what_goes_on_for_ever_ends_when_all_of_it_is_older_than_a_day() -> None:
    (hold,) = judged("", COMPLAINTS, hours(sent=1_000, complaints=9), (), NOW)
    assert hold.until == THIS + 25 * HOUR
    assert not judged("", COMPLAINTS, hours(sent=1_000, complaints=9), (hold,), hold.until)


def test_it_does_not_begin_and_end_with_every_message() -> None:
    (hold,) = judged("", COMPLAINTS, hours(sent=1_000, complaints=4), (), NOW)
    for complaints, goes_on in ((4, True), (3, True), (2, False)):
        counts = hours(sent=1_000, complaints=complaints)
        assert bool(judged("", COMPLAINTS, counts, (hold,), NOW + 60)) is goes_on
    # At four fifths, exactly, it ends.
    fifths = RateLimits(complaint=0.5, count=1)
    (hold,) = judged("", fifths, hours(sent=1_000, complaints=6), (), NOW)
    assert judged("", fifths, hours(sent=999, complaints=4), (hold,), NOW)
    assert not judged("", fifths, hours(sent=1_000, complaints=4), (hold,), NOW)


def test_what_goes_on_says_since_when() -> None:
    (hold,) = judged("", COMPLAINTS, hours(sent=1_000, complaints=4), (), NOW)
    (later,) = judged("", COMPLAINTS, hours(sent=1_000, complaints=8), (hold,), NOW + 300)
    assert (later.since, later.counted) == (hold.since, 4)


def test_a_limit_that_was_raised_lets_go_what_is_below_it() -> None:
    counts = hours(sent=1_000, complaints=4)
    (hold,) = judged("", COMPLAINTS, counts, (), NOW)
    assert not judged("", replace(COMPLAINTS, complaint=0.4), counts, (hold,), NOW)
    assert not judged("", RateLimits(), counts, (hold,), NOW)
    assert not judged("", replace(COMPLAINTS, count=1_001), counts, (hold,), NOW)
    (still,) = judged("", replace(COMPLAINTS, complaint=0.2), counts, (hold,), NOW)
    assert still.limit == 0.2


def test_a_hold_of_one_stream_is_of_no_other() -> None:
    whole = judged("", BOUNCES, hours(refused=100), (), NOW)
    news = judged("news", BOUNCES, hours(refused=100), (), NOW)
    assert holds_of(news, "news") == news[0]
    assert holds_of(news, "transactional") is None
    assert holds_of(news, "") is None
    assert holds_of(whole, "news") == whole[0]
    # Who was held as a server is not thereby held as a stream.
    assert judged("news", BOUNCES, hours(sent=96, refused=4), whole, NOW) == judged(
        "news", BOUNCES, hours(sent=96, refused=4), (), NOW
    )


def test_what_a_rate_holds_stands_in_a_line_of_its_own() -> None:
    server = a_server(an_organization())
    lines = set[Line]()
    for stream in ("", "news"):
        for hold in judged(
            stream, RateLimits(0.5, 0.5, 1), hours(sent=9, complaints=1, refused=1), (), NOW
        ):
            limit = limit_of_hold(server, hold)
            assert LimitOwner.called(limit.owner.name) == limit.owner
            assert line_of(hold_of(limit, hold.until)) == limit.line
            lines.add(limit.line)
    assert len(lines) == 4


def test_the_details_say_whose_rate_it_is() -> None:
    (server,) = judged("", BOUNCES, hours(refused=100), (), NOW)
    (news,) = judged("news", COMPLAINTS, hours(sent=1_000, complaints=9), (), NOW)
    assert details_of(server) == "Message held because the bounce rate of the server is above 5 %."
    assert (
        details_of(news)
        == "Message held because the complaint rate of the stream news is above 0.3 %."
    )


def test_a_rate_is_near_its_limit_above_four_fifths_of_it() -> None:
    for complaints, is_near in ((2, False), (3, True)):
        found = measured(
            Rate.COMPLAINT, "", COMPLAINTS, hours(sent=1_000, complaints=complaints).values()
        )
        assert found is not None
        assert found.is_near is is_near
        assert not found.is_above
    assert measured(Rate.BOUNCE, "", COMPLAINTS, []) is None


def test_limits_are_those_of_the_nearest_owner_that_says_any() -> None:
    wider = RateLimits(0.3, 5, 100)
    assert RateLimits().within(wider) == wider
    assert RateLimits(complaint=1).within(wider) == RateLimits(1, 5, 100)
    assert RateLimits(bounce=100, count=1).within(wider) == RateLimits(0.3, 100, 1)


@pytest.mark.parametrize(
    ("percent", "is_one"),
    [
        (0.01, True),
        (0.07, True),
        (0.29, True),
        (1.1, True),
        (33.33, True),
        (100, True),
        (100.0, True),
        (0, False),
        (0.001, False),
        (0.3001, False),
        (100.01, False),
        (-1, False),
        (1e300, False),
        (float("nan"), False),
        (float("inf"), False),
    ],
)
def test_what_a_percentage_is(percent: Any, is_one: bool) -> None:
    assert is_percentage(percent) is is_one
    if is_one:
        assert hundredths(percent) == pytest.approx(percent * 100)
