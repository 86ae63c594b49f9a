"""How mail fares by tag, domain and receiver: rates beside each other, against the period before, and one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.csv_rows import rendered
from chalicelib.web import answers
from chalicelib.web.charts import Series, Slot, against, bars, share
from chalicelib.web.insight_filter import BLANK, KINDS, LONGEST, Filter, has_text
from chalicelib.web.page import Page
from chalicelib.web.query_terms import quoted
from chalicelib.web.receiver_limits import BOUNCED, COMPLAINED, limit_of
from chalicelib.web.rendering import zone_of
from chalicelib.web.row import of_server
from chalicelib.web.slots import SPANS, Counted, Span, mail_chart, span_of, time_chart

# A tab: its title, what the API groups by, the key of the search, and what one without a name is called.
TABS = {
    "tags": ("Tags", "tag", "tag", "no tag"),
    "domains": ("Domains", "domain", "domain", "no domain"),
    "receivers": ("Receivers", "provider", "provider", "not known yet"),
}
PERIODS = ("day", "week", "month", "year")
FEW = 100  # messages: rates of fewer say little
MOST = 50
MOST_LOOKED_AT = 100
COLUMNS = ("accepted", "delivered", "delayed", "bounced", "complained", "opened", "clicked")
_SAMPLE = (40, 62, 85, 70, 66, 91, 120, 98, 74, 60, 55, 48)


async def show_all(page: Page) -> HttpAnswer:
    """All mail of a period, or that of one tag, stream, receiver and so on."""
    span, only = _span(page), Filter.of(page.query("by"), page.query("name"))
    counts, before = await page.ask_all(
        ("GET", "/statistics", span.query(page.now) | only.only),
        ("GET", "/statistics", span.query(page.now - span.length) | only.only),
    )
    value = only.name if only.name == BLANK else quoted(only.name)
    query = f"{only.searched}:{value}" if only.name and only.searched else ""
    values = {
        "counts": counts,
        "change": _change(counts, before),
        "charts": _charts(page, span, counts, query),
        "sample": _sample(),
        "filter": only,
        "kinds": list(KINDS.items()),
        "query": query,
    }
    return page.render("insights.html", **_frame(page, span, ""), **values)


async def show_tags(page: Page) -> HttpAnswer:
    """By tag."""
    return await _show(page, "tags")


async def show_domains(page: Page) -> HttpAnswer:
    """By the domain of the recipient."""
    return await _show(page, "domains")


async def show_receivers(page: Page) -> HttpAnswer:
    """By who receives for it."""
    return await _show(page, "receivers")


async def _show(page: Page, tab: str) -> HttpAnswer:
    span, only = _span(page), page.request.query.get("only")
    if only is not None:
        return await _one(page, tab, span, only[0].strip())
    text = page.query("q")[:LONGEST]
    group_by = {"group_by": TABS[tab][1], "limit": MOST_LOOKED_AT if text else MOST}
    now, before = await asyncio.gather(
        page.ask_or(None, "GET", "/statistics", query=span.query(page.now) | group_by),
        page.ask_or(
            None, "GET", "/statistics", query=span.query(page.now - span.length) | group_by
        ),
    )
    found = None if now is None else _rows(now["data"], (before or {}).get("data", ()))
    nameless = TABS[tab][3]
    rows = found and [one for one in found if has_text(text, one["group"] or nameless)]
    if page.query("download") and rows is not None:
        return answers.text_file(f"{tab}.csv", _csv(tab, rows), "text/csv; charset=utf-8")
    values: dict[str, Any] = {
        "rows": rows and rows[:MOST],
        "few": FEW,
        "nameless": nameless,
        "most": MOST,
        "text": text,
        "is_filtered": bool(found) and not rows,
    }
    return page.render("insights_groups.html", **_frame(page, span, tab), **values)


async def _one(page: Page, tab: str, span: Span, name: str) -> HttpAnswer:
    """One of them, with its trend and where its messages are."""
    only = f"{TABS[tab][1]}:{name or '[blank]'}"[:400]
    counts = await page.ask_or(
        None, "GET", "/statistics", query=span.query(page.now) | {"only": only}
    )
    query = f"{TABS[tab][2]}:{quoted(name) if name else '[blank]'}"
    values = {
        "name": name or TABS[tab][3],
        "only": name,
        "counts": counts,
        "charts": _charts(page, span, counts, query),
        "query": query,
        "few": FEW,
    }
    return page.render("insights_one.html", **_frame(page, span, tab), **values)


def _frame(page: Page, span: Span, tab: str) -> dict[str, Any]:
    here = f"{page.base}/insights{'/' if tab else ''}{tab}"
    tabs = [("", "All mail"), *((name, one[0]) for name, one in TABS.items())]
    spans = [SPANS[one] for one in PERIODS]
    return {
        "span": span,
        "spans": spans,
        "tab": tab,
        "tabs": tabs,
        "here": here,
        "limit_of": limit_of,
        "against": against,
    }


def _span(page: Page) -> Span:
    return span_of(page.query("period") if page.query("period") in PERIODS else "week")


def _charts(page: Page, span: Span, counts: Any, query: str) -> dict[str, Any] | None:
    if counts is None or not counts["totals"]["outgoing"]:
        return None
    counted = Counted(span, counts, zone_of(page.zone), page.now)

    def links(begin: datetime, end: datetime) -> str:
        times = f"after:{begin:%Y-%m-%dT%H:%M:%SZ} before:{end:%Y-%m-%dT%H:%M:%SZ}"
        return page.address(f"{page.base}/messages/outgoing", q=f"{times} {query}".strip())

    has_times = any(one.get("latency") for one in counts["data"])
    times = time_chart(counted, links) if has_times else None
    return {"mail": mail_chart(counted, links), "time": times}


def _sample() -> str:
    """A picture of what will be here."""
    slots = [Slot(f"{at}:00", f"{at}:00") for at in range(8, 20)]
    late = Series("Delayed", "late", [one // 20 for one in _SAMPLE])
    bad = Series("Failed or bounced", "bad", [one // 33 for one in _SAMPLE])
    axis = ("08:00", "11:00", "14:00", "17:00", "19:00")
    top = Series("Accepted", "good", _SAMPLE)
    return bars(slots, top, (late, bad), axis, below_word="Delayed and failed")


def _change(now: Any, before: Any) -> float | None:
    """How much more was accepted, as a part of that of the period before."""
    if not now or not before or not before["totals"]["outgoing"]:
        return None
    was: int = before["totals"]["outgoing"]
    return float((now["totals"]["outgoing"] - was) / was)


def _rows(groups: Any, before: Any) -> list[dict[str, Any]]:
    """A row for each group that sent something."""
    was = {one["group"]: one["counts"]["outgoing"] for one in before}
    sent = [one for one in groups if one["counts"]["outgoing"]]
    largest = max((one["counts"]["outgoing"] for one in sent), default=1)
    return [_row(one, was.get(one["group"], 0), largest) for one in sent]


def _row(group: Mapping[str, Any], was: int, largest: int) -> dict[str, Any]:
    counts, rates = group["counts"], group["rates"]
    accepted = counts["outgoing"]
    return {
        "group": group["group"],
        "accepted": accepted,
        "change": (accepted - was) / was if was else None,
        "bar": share(accepted / largest),
        "delayed": min(1.0, counts["soft_fails"] / accepted),
        **{name: rates[name] for name in COLUMNS if name in rates},
        "latency": group["latency"] or {"p50": None, "p95": None},
        "limits": {
            name: (against(rates[name], limit), limit, rates[name] > limit)
            for name in (BOUNCED, COMPLAINED)
            if rates[name] is not None and (limit := limit_of(name, group["group"]))
        },
    }


def _csv(tab: str, rows: list[dict[str, Any]]) -> str:
    """The table as a file; a cell that a spreadsheet would compute is kept from that."""
    lines = [rendered((TABS[tab][1], *COLUMNS, "p50", "p95"))]
    for row in rows:
        numbers = [*(row[name] for name in COLUMNS), row["latency"]["p50"], row["latency"]["p95"]]
        cells = ["" if one is None else str(one) for one in numbers]
        lines.append(rendered((row["group"] or "", *cells)))
    return "".join(lines)


_READ = "statistics:read"
ROWS = (
    of_server("GET", "/insights", show_all, _READ, "showStatistics"),
    of_server("GET", "/insights/tags", show_tags, _READ, "showStatistics"),
    of_server("GET", "/insights/domains", show_domains, _READ, "showStatistics"),
    of_server("GET", "/insights/receivers", show_receivers, _READ, "showStatistics"),
)
