"""Percentiles of times, from buckets: within a tenth of what they are."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from chalicelib.domain.figures import Latency, latency_of, rates_of
from chalicelib.domain.latency import PERCENTILES, bucket_of, is_bucket, percentiles
from chalicelib.domain.statistics import Count


def exact(times: list[float], percent: int) -> float:
    return sorted(times)[math.ceil(len(times) * percent / 100) - 1]


@pytest.mark.parametrize("seed", range(20))
def test_each_is_within_a_tenth(seed: int) -> None:
    drawn = random.Random(seed)
    times = [10 ** drawn.uniform(-2.9, 6.3) for _ in range(drawn.randint(1, 3_000))]
    found = percentiles(Counter(map(bucket_of, times)))
    assert found is not None
    for percent in PERCENTILES:
        assert found[percent] == pytest.approx(exact(times, percent), rel=0.1)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.0004, 1e-12])
def test_less_than_a_millisecond_is_one(seconds: float) -> None:
    assert percentiles({bucket_of(seconds): 3}) == dict.fromkeys(PERCENTILES, 0.001)


def test_buckets_end_somewhere() -> None:
    assert bucket_of(1e300) == bucket_of(45 * 86_400)
    assert all(is_bucket(bucket_of(10.0**power)) for power in range(-5, 9))


def test_other_counters_are_no_times() -> None:
    assert percentiles({Count.SENT: 3, "total": 2, "t": 1, "t²": 1}) is None
    assert latency_of({}) is None
    assert latency_of({bucket_of(1.0): 5, Count.SENT: 5}) == Latency(
        *[pytest.approx(1.0, rel=0.1)] * 4
    )


def test_rates_have_their_bases_and_end_at_one() -> None:
    counts = {
        Count.OUTGOING: 10,
        Count.SENT_MESSAGES: 8,
        Count.FAILED_MESSAGES: 3,
        Count.COMPLAINTS: 1,
        Count.OPENED_MESSAGES: 9,
    }
    rates = rates_of(counts)
    assert (rates.delivered, rates.bounced, rates.complained) == (0.8, 0.3, 0.125)
    assert (rates.opened, rates.clicked) == (1.0, 0.0)
    none = rates_of({Count.OPENS: 3})
    assert (none.delivered, none.bounced, none.opened, none.clicked) == (None,) * 4
