"""Charts say in text what they draw: scales, gaps, empty periods, the sentence for those who hear the page.

Whole figures are kept as text in `drawn/`; after a change that is meant `python -m tests.web.test_charts` writes
them anew.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chalicelib.web.charts import Series, Slot, against, bars, lines, share, spark
from chalicelib.web.scales import of_counts, of_far_seconds, of_seconds
from chalicelib.web.slots import SPANS, Counted, mail_chart, span_of, time_chart

DRAWN = Path(__file__).parent / "drawn"
NOW = datetime(2026, 11, 28, 10, 36, tzinfo=UTC)
NAMES = ("outgoing", "soft_fails", "hard_fails", "bounces")
HOURS = [Slot(f"{at}:00 to {at}:59", f"{at}:00", f"/m?at={at}&x=1") for at in (8, 9, 10)]
AXIS = ("8:00", "9:00", "10:36")


def _counted(span: str, *told: tuple[int, tuple[int, int, int, int], float | None]) -> Counted:
    """A span in which something was counted so many slots before its last."""
    taken = SPANS[span]
    minutes = taken.step // timedelta(minutes=1)
    last = NOW - timedelta(minutes=(NOW.hour * 60 + NOW.minute) % minutes)
    data = [
        {
            "at": (last - taken.step * ago).isoformat(),
            "counts": dict(zip(NAMES, counts, strict=True)),
            "latency": None if took is None else {"p50": took, "p95": took * 3},
        }
        for ago, counts, took in told
    ]
    answer = {
        "from": (last - taken.step * (taken.count - 1)).isoformat(),
        "data": data,
        "latency": {"p50": 1.2, "p95": 5.4},
    }
    return Counted(taken, answer, ZoneInfo("Europe/Berlin"), NOW)


def _figures() -> dict[str, str]:
    accepted = Series("Accepted", "good", (3385, 0, 3523))
    late, bad = Series("Delayed", "late", (16, 0, 2)), Series("Failed", "bad", (16, 0, 15))
    return {
        "bars": bars(
            HOURS, accepted, (late, bad), AXIS, below_word="Delayed and failed", is_running=True
        ),
        "bars-empty": bars(HOURS, Series("Accepted", "good", (0, 0, 0)), (), AXIS),
        "lines": lines(HOURS, (1.2, None, 1.0), (5.4, None, 14), AXIS, (1.2, 5.4)),
        "lines-log": lines(HOURS, (1.2, 1.1, 1.0), (60, 90, 7200), AXIS, (1.1, 90)),
        "lines-empty": lines(HOURS, (None,) * 3, (None,) * 3, AXIS, (None, None)),
        "share": share(0.612),
        "against": against(0.0007, 0.001) + against(0.05, 0.02) + against(0, 0.02),
        "spark": spark([0] * 10 + [3, 12], "late"),
    }


def _lines_of(figure: str) -> str:
    return figure.replace("><", ">\n<") + "\n"


@pytest.mark.parametrize("name", _figures())
def test_a_figure_is_the_one_that_was_looked_at(name: str) -> None:
    assert _lines_of(_figures()[name]) == (DRAWN / f"{name}.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("largest", "marks"),
    [
        (0, ("4", "3", "2", "1", "0")),
        (3_523, ("4,000", "3,000", "2,000", "1,000", "0")),
        (5, ("8", "6", "4", "2", "0")),
        (9, ("12", "9", "6", "3", "0")),
        (1_000_001, ("2,000,000", "1,500,000", "1,000,000", "500,000", "0")),
    ],
)
def test_a_scale_of_counts_has_whole_round_steps(largest: int, marks: tuple[str, ...]) -> None:
    scale = of_counts(largest, 4)
    assert scale.marks == marks
    assert scale.height(0) == 0
    assert scale.height(largest) <= 1


def test_a_scale_of_times_has_steps_that_people_say() -> None:
    marks = ("3\u00a0h", "2\u00a0h", "1\u00a0h", "0")
    assert of_seconds(9_000, 3).marks == marks
    assert of_seconds(0.05, 3).marks[0] == "0.3\u00a0s"
    far = of_far_seconds(0.3, 4_000)
    assert far.is_log
    assert far.height(0.1) == 0
    assert far.height(10_000) == 1


def test_what_nobody_knows_is_a_gap_and_not_zero() -> None:
    figure = lines(HOURS, (1.0, None, 2.0), (2.0, None, 4.0), AXIS, (1, 2))
    assert figure.count('<polyline class="curve"') == 2
    assert '<th scope="row"><a href="/m?at=9&amp;x=1">9:00</a></th><td class="num">–</td>' in figure


def test_a_stack_stands_on_what_is_under_it() -> None:
    figure = bars(
        HOURS,
        Series("A", "good", (1, 1, 1)),
        (Series("B", "late", (1, 0, 0)), Series("C", "bad", (1, 0, 0))),
        AXIS,
    )
    late = re.search(r'class="bar-late" d="M32.0 ([0-9.]+)v', figure)
    bad = re.search(r'class="bar-bad" d="M32.0 ([0-9.]+)v', figure)
    assert late is not None
    assert bad is not None
    assert float(late[1]) == pytest.approx(22)
    assert float(bad[1]) == pytest.approx(44)


def test_words_of_others_are_escaped() -> None:
    hostile = '"><script>alert(1)</script>'
    figure = bars(
        [Slot(hostile, hostile, hostile)],
        Series(hostile, "good", (1,)),
        (),
        [hostile],
        below_word=hostile,
    )
    assert "<script" not in figure
    assert 'href="&quot;&gt;' in figure


@pytest.mark.parametrize("name", SPANS)
def test_every_period_has_its_bars_rows_and_words(name: str) -> None:
    counted = _counted(name, (0, (5, 1, 1, 1), 0.5), (1, (7, 0, 0, 0), None))
    span = SPANS[name]
    assert sum(one or 0 for one in counted.sums("outgoing")) == 12
    assert len(counted.sums("outgoing")) == span.count // span.each
    assert len(counted.rows()) == span.count // span.each // span.row
    assert len(counted.axis()) == 5
    figure = mail_chart(counted, lambda start, end: f"/m?{start:%s}-{end:%s}")
    assert "Accepted <b>12</b>" in figure
    assert "Failed or bounced <b>2</b>" in figure
    assert figure.count("<a href") <= 200, "a page has 1,500 nodes at most"
    assert "Half within <b>1.2\u00a0s</b>" in time_chart(counted)


def test_times_are_those_of_whoever_looks() -> None:
    counted = _counted("day", (0, (5, 0, 0, 0), None))
    assert counted.axis() == ["12:00 yesterday", "18:00", "00:00", "06:00", "11:36"]
    assert counted.rows()[-1][:2] == ("11:00 to 11:59", "11:00")
    week = _counted("week", (0, (5, 0, 0, 0), None))
    assert week.axis()[-1] == "28 Nov"


def test_a_period_that_is_not_known_is_a_day() -> None:
    assert span_of("eternity").name == "day"
    asked = span_of("hour").query(NOW)
    assert asked == {"period": "minute", "from": "2026-11-28T09:37:00+00:00", "to": NOW.isoformat()}


if __name__ == "__main__":
    for written, drawing in _figures().items():
        (DRAWN / f"{written}.html").write_text(_lines_of(drawing), "utf-8")
