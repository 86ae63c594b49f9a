"""When what a search is for was received."""

from __future__ import annotations

import pytest

from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import Between
from chalicelib.domain.search.received import received_within

NOW = 1_774_224_000.0  # a midnight
DAY = 86_400.0


@pytest.mark.parametrize(
    ("query", "within"),
    [
        ("", Between()),
        ("tag:x -before:today", Between()),
        ("before:today", Between(high=NOW)),
        ("after:7d before:yesterday", Between(NOW - 7 * DAY, NOW - DAY)),
        ("after:7d after:3d", Between(low=NOW - 7 * DAY)),
        ("before:7d before:3d", Between(high=NOW - 3 * DAY)),
        ("after:7d age:<2d", Between(low=NOW - 2 * DAY)),
        ("age:>2d age:<1d", Between()),
        ("age:>2d age:>1d before:today", Between(high=NOW - DAY)),
    ],
)
def test_it_was_received_between(query: str, within: Between) -> None:
    assert received_within(parse_query(query, NOW)) == within
