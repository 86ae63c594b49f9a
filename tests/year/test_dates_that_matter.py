"""The days of a year that matter, on one host: ends of months and of the year, the leap day, clocks that are set
wrong, a receiver that fails for days. At the end the sums are right, and nothing is stuck.

`make soak` plays the days between as well, and on AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chalicelib import bootstrap
from tests.aws_backend import MINISTACK
from tests.year.dates import Date, new_year, short_year
from tests.year.stage import Result, played

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# What is kept for thirty days or less is much less a month after the last busy one.
ENDED = ("answers", "packs", "greylist", "rates", "queue", "limit_lines", "limit_standing")
MOST_LEFT = 12


def result_of(engine: str, folder: Path, dates: Iterable[Date]) -> Result:
    result = bootstrap.run(played(engine, folder, dates, print))
    assert result.faults == []
    return result


def test_at_the_end_sums_are_right_and_nothing_is_stuck(tmp_path: Path) -> None:
    result = result_of("files", tmp_path, short_year())
    assert result.notices == 1  # of the webhook that was given up
    assert result.crashed > 10
    last = list(result.sizes.values())[-1]
    left = {name: last[f"rows mail.db {name}"] for name in ENDED}
    assert max(left.values()) <= MOST_LEFT, left
    assert last["nouns session"] <= 2
    assert last["rows control.db owners"] <= 2


@pytest.mark.aws
@pytest.mark.skipif(not MINISTACK.exists(), reason="python3 infra/environment.py ministack")
def test_the_end_of_a_year_on_aws(tmp_path: Path) -> None:
    result = result_of("aws", tmp_path, new_year())
    assert result.crashed >= 1
    assert set(result.sizes) == {"2027-12", "2028-01"}
