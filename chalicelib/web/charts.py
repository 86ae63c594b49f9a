"""Charts as HTML and SVG: numbers in, text out (ADR 73).

Pure. A figure has a legend with totals, the plot, one sentence for those who hear the page, and the numbers as a table
whose rows lead to the messages of their slot. Nothing hangs on script. Words are escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from markupsafe import Markup

from chalicelib.web import words
from chalicelib.web.scales import FAR, Scale, of_counts, of_far_seconds, of_seconds

WIDTH = 960
TALL, SHORT, MID = 168, 44, 132
CLOSE = 0.8
"""From this part of a limit on a rate is close to it."""
EMPTY = "No mail in this period"
Value = float | None
Said = Callable[[Value], str]
Together = Callable[[Sequence[float]], float]


class Slot(NamedTuple):
    """A stretch of time: `11:00 to 11:59`, what its row is called, and where its messages are.

    There are as many as values, or a whole part of that: then each covers several values.
    """

    label: str
    name: str
    href: str = ""


class Series(NamedTuple):
    """A number for each slot, None where nobody knows; `tone` colours it: good, late, bad, held, idle."""

    word: str
    tone: str
    values: Sequence[Value]

    @property
    def total(self) -> float:
        """All of it."""
        return sum(one or 0 for one in self.values)


def bars(
    slots: Sequence[Slot],
    top: Series,
    below: Sequence[Series],
    axis: Sequence[str],
    *,
    below_word: str = "",
    is_running: bool = False,
) -> Markup:
    """Counts by slot; what is `below` is stacked under them on a scale of its own. The last slot may be running yet."""
    every = (top, *below)
    is_empty = not any(one.total for one in every)
    scale = of_counts(max([*(one or 0 for one in top.values), 0]), 4)
    upper, lower = _stack([top], scale, TALL, is_running=is_running), ""
    if below:
        sums = [
            sum(filter(None, column)) for column in zip(*(one.values for one in below), strict=True)
        ]
        small = of_counts(max([*sums, 0]), 2)
        drawn = _stack(below, small, SHORT, is_running=is_running)
        hits = "" if is_empty else _hits(slots, every, _count, sum, SHORT)
        note = _note(
            f"{below_word}, on {'a scale of their own' if len(below) > 1 else 'its own scale'}"
        )
        lower = note + _plot(drawn + hits, SHORT, small, axis)
    hits = "" if is_empty else _hits(slots, every, _count, sum, TALL)
    parts = [_legend(every), _plot(upper + hits, TALL, scale, () if below else axis), lower]
    if is_empty:
        return _figure([*parts, _note(EMPTY)])
    return _figure([*parts, _sums(slots, every), _table(slots, every, _count, sum)])


def lines(
    slots: Sequence[Slot],
    p50: Sequence[Value],
    p95: Sequence[Value],
    axis: Sequence[str],
    whole: tuple[Value, Value],
) -> Markup:
    """Seconds within which half, and 95 of a hundred, were delivered; `whole` is of all slots together."""
    half = Series("Half within", "good", p50)
    most = Series("95% within", "held", p95)
    known = [one for one in (*p50, *p95) if one is not None]
    is_far = whole[0] is not None and whole[1] is not None and whole[1] > FAR * whole[0]
    legend = _line_legend(whole, is_log=is_far and bool(known))
    if not known:
        return _figure([legend, _plot("", MID, of_seconds(0, 3), axis), _note(EMPTY)])
    scale = of_far_seconds(min(known), max(known)) if is_far else of_seconds(max(known), 3)
    drawn = _curves(p50, scale, "curve") + _curves(p95, scale, "curve p95")
    drawn += _hits(slots, (half, most), words.duration, max, MID)
    said = f"Half of the messages were delivered within {words.duration(whole[0])}, 95 of a hundred within "
    said += f"{words.duration(whole[1])}.{_slowest(slots, p95)}"
    caption = f'<figcaption class="sr">{escape(said)}</figcaption>'
    table = _table(slots, (half, most), words.duration, max)
    return _figure([legend, _plot(drawn, MID, scale, axis), caption, table])


def share(part: float) -> Markup:
    """A bar in a cell: `part` of the largest, from 0 to 1; the number stands beside it."""
    width = f"{100 * min(1.0, max(0.0, part)):.1f}"
    return _safe(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar-idle" width="{width}" height="6"/></svg>'
    )


def against(part: float, limit: float) -> Markup:
    """A bar in a cell for a rate, with a line where receivers want it to stay below; the scale ends at twice that."""
    tone = "bad" if part > limit else "late" if part > CLOSE * limit else "idle"
    width = f"{50 * min(2.0, max(0.0, part) / limit):.1f}"
    return _safe(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar-{tone}" width="{width}" height="6"/><path class="limit" d="M50 0v6"/></svg>'
    )


def spark(values: Sequence[float], tone: str) -> Markup:
    """Bars of a trend, on the scale of their own largest; a slot of none is a line on the ground."""
    largest = max([*values, 1])
    step = 84 / max(1, len(values))
    drawn = "".join(
        _bar(at * step, 1 + 19 * value / largest, step - 1.5, 20) for at, value in enumerate(values)
    )
    return _safe(
        '<svg class="spark" viewBox="0 0 84 20" aria-hidden="true">'
        f'<path class="bar-{escape(tone)}" d="{drawn}"/></svg>'
    )


def _figure(parts: Sequence[str]) -> Markup:
    return _safe(f"<figure>{''.join(parts)}</figure>")


def _safe(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - every word in it was escaped above


def _note(text: str) -> str:
    return f'<p class="plot-note">{escape(text)}</p>'


def _legend(every: Sequence[Series]) -> str:
    rows = (
        f'<li class="{one.tone}"><span class="key"></span>{escape(one.word)} <b>{_count(one.total)}</b></li>'
        for one in every
    )
    return f'<ul class="legend">{"".join(rows)}</ul>'


def _line_legend(whole: tuple[Value, Value], *, is_log: bool) -> str:
    rows = (
        ("good", "line", "Half within", whole[0]),
        ("held", "line dash", "95% within", whole[1]),
    )
    drawn = "".join(
        f'<li class="{tone}"><span class="key {key}"></span>{word} <b>{words.duration(one)}</b></li>'
        for tone, key, word, one in rows
    )
    return f'<ul class="legend">{drawn}{"<li>(log)</li>" if is_log else ""}</ul>'


def _plot(drawn: str, height: int, scale: Scale, axis: Sequence[str]) -> str:
    name = {TALL: "tall", SHORT: "short", MID: "mid"}[height]
    steps = len(scale.marks) - 1
    grid = "".join(
        f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (height * at / steps for at in range(steps + 1))
    )
    marks = "".join(f"<span>{one}</span>" for one in scale.marks)
    under = "".join(f"<span>{escape(one)}</span>" for one in axis)
    return (
        f'<div class="plot"><svg class="{name}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none"'
        f' aria-hidden="true">{grid}{drawn}</svg><div class="scale" aria-hidden="true">{marks}</div>'
        + (f'<div class="axis" aria-hidden="true">{under}</div>' if axis else "")
        + "</div>"
    )


def _stack(every: Sequence[Series], scale: Scale, height: int, *, is_running: bool) -> str:
    """A path for each series, the last one on the ground; what still runs apart, at half strength."""
    ground = [0.0] * len(every[0].values)
    step = WIDTH / max(1, len(ground))
    last = len(ground) - 1 if is_running else -1
    paths = ""
    for series in reversed(every):
        whole, running = "", ""
        for at, value in enumerate(series.values):
            tall = scale.height(value) * height if value else 0
            if tall:
                bar = _bar(at * step + step / 10, tall, step * 0.8, height - ground[at])
                whole, running = (whole, bar) if at == last else (whole + bar, running)
            ground[at] += tall
        paths += _path(series.tone, whole) + _path(f"{series.tone} part", running)
    return paths


def _path(name: str, drawn: str) -> str:
    return f'<path class="bar-{name}" d="{drawn}"/>' if drawn else ""


def _bar(x: float, tall: float, wide: float, ground: float) -> str:
    return f"M{x:.1f} {ground:.1f}v{-tall:.1f}h{wide:.1f}v{tall:.1f}z"


def _curves(values: Sequence[Value], scale: Scale, name: str) -> str:
    """Lines through the values that are known; between those that are not there is a gap."""
    step = WIDTH / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{at * step:.1f},{MID * (1 - scale.height(value)):.1f}")
    # One alone is drawn as the point that a line with round ends of no length is.
    shown = [run * 2 if len(run) == 1 else run for run in runs if run]
    return "".join(f'<polyline class="{name}" points="{" ".join(run)}"/>' for run in shown)


def _hits(
    slots: Sequence[Slot], every: Sequence[Series], said: Said, together: Together, height: int
) -> str:
    """A field over each slot that says what is there, and leads to its messages."""
    step = WIDTH / max(1, len(slots))
    drawn = []
    for at, slot in enumerate(slots):
        told = ", ".join(
            f"{one.word.lower()} {said(_of_slot(one, at, slots, together))}" for one in every
        )
        field = (
            f'<rect class="hit" x="{at * step:.1f}" y="0" width="{step:.1f}" height="{height}"/>'
        )
        inner = f"<title>{escape(f'{slot.label}: {told}')}</title>{field}"
        address = f' href="{escape(slot.href)}"' if slot.href else ""
        drawn.append(f'<a{address} tabindex="-1">{inner}</a>')
    return "".join(drawn)


def _of_slot(series: Series, at: int, slots: Sequence[Slot], together: Together) -> Value:
    """The value of a slot, which may cover several values."""
    each = max(1, len(series.values) // max(1, len(slots)))
    known = [one for one in series.values[at * each : (at + 1) * each] if one is not None]
    return together(known) if known else None


def _table(slots: Sequence[Slot], every: Sequence[Series], said: Said, together: Together) -> str:
    heads = "".join(f'<th scope="col" class="num">{escape(one.word)}</th>' for one in every)
    rows = []
    for at, slot in enumerate(slots):
        name = escape(slot.name)
        link = f'<a href="{escape(slot.href)}">{name}</a>' if slot.href else name
        cells = "".join(
            f'<td class="num">{said(_of_slot(one, at, slots, together))}</td>' for one in every
        )
        rows.append(f'<tr><th scope="row">{link}</th>{cells}</tr>')
    return (
        "<details><summary>Show as a table</summary>"
        f'<table class="rows"><thead><tr><th scope="col">When</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></details>"
    )


def _sums(slots: Sequence[Slot], every: Sequence[Series]) -> str:
    """One sentence for each series: how many in all, and when the most."""
    told = []
    for one in every:
        values = [_of_slot(one, at, slots, sum) or 0 for at in range(len(slots))]
        peak = max(range(len(values)), key=values.__getitem__)
        most = f", most {slots[peak].label}: {_count(values[peak])}" if values[peak] else ""
        told.append(f"{one.word} {_count(one.total)}{most}.")
    return f'<figcaption class="sr">{escape(" ".join(told))}</figcaption>'


def _slowest(slots: Sequence[Slot], p95: Sequence[Value]) -> str:
    values = [_of_slot(Series("", "", p95), at, slots, max) or 0 for at in range(len(slots))]
    peak = max(range(len(values)), key=values.__getitem__)
    return f" The slowest was {slots[peak].label}: {words.duration(values[peak])}."


def _count(value: Value) -> str:
    return words.count(None if value is None else round(value))
