"""The days of a year that matter, on one host: ends of months and of the year, the leap day, clocks that are set
wrong, a receiver that fails for days. At the end the sums are right, and nothing is stuck.

`make soak` plays the days between as well, and on AWS.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chalicelib import bootstrap
from tests.year.dates import short_year
from tests.year.stage import played

if TYPE_CHECKING:
    from pathlib import Path

# What is kept for thirty days or less is much less a month after the last busy one.
ENDED = ("answers", "packs", "greylist", "rates", "queue", "limit_lines", "limit_standing")
MOST_LEFT = 12


async def test_at_the_end_sums_are_right_and_nothing_is_stuck(tmp_path: Path) -> None:
    playing = asyncio.to_thread(bootstrap.run, played("files", tmp_path, short_year(), print))
    result = await playing
    assert result.faults == []
    assert result.notices == 1  # of the webhook that was given up
    assert result.crashed > 10
    last = list(result.sizes.values())[-1]
    left = {name: last[f"rows mail.db {name}"] for name in ENDED}
    assert max(left.values()) <= MOST_LEFT, left
    assert last["nouns session"] <= 2
    assert last["rows control.db owners"] <= 2
