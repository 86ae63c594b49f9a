"""A server at a glance: what needs attention, its figures, its mail by the hour, and what goes wrong.

Six questions; what cannot be had is left out, and the rest stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web import answers
from chalicelib.web.causes import cause_words
from chalicelib.web.charts import share, spark
from chalicelib.web.page import Page
from chalicelib.web.query_terms import quoted
from chalicelib.web.rendering import zone_of
from chalicelib.web.row import of_server
from chalicelib.web.slots import Counted, Span, incoming_chart, mail_chart, span_of, time_chart

SHOWN = ("hour", "day", "week", "month")
MOST_ATTENTION = 5
MOST_CAUSES = 5
MOST_RECEIVERS = 6
LAST = 6
_TONES = {"HardFail": "bad", "Bounced": "bad"}


async def show_overview(page: Page) -> HttpAnswer:
    """All of it; a poll that has seen that already is told so."""
    span = span_of(page.query("period") if page.query("period") in SHOWN else "day")
    overview, now_counts, before, receivers, causes, last = await page.ask_all(
        ("GET", "/overview"),
        ("GET", "/statistics", span.query(page.now)),
        ("GET", "/statistics", span.query(page.now - span.length)),
        ("GET", "/statistics", _grouped(span, page.now)),
        ("GET", "/statistics/causes", _range(span, page.now) | {"limit": MOST_CAUSES}),
        ("GET", "/emails", {"limit": LAST}),
    )
    seen = _version(overview, now_counts, last)
    if page.query("seen") == seen:
        return answers.nothing_new()
    return page.render(
        "overview.html",
        overview=overview,
        attention=(overview or {}).get("attention", ())[:MOST_ATTENTION],
        more_attention=max(0, len((overview or {}).get("attention", ())) - MOST_ATTENTION),
        hour_limit=_hour_limit(overview),
        counts=now_counts,
        change=_change(now_counts, before),
        charts=_charts(page, span, now_counts),
        span=span,
        spans=[span_of(name) for name in SHOWN],
        receivers=_receivers(receivers),
        causes=None if causes is None else [_cause(page, one) for one in causes["data"]],
        last=None if last is None else last["data"],
        is_new=last is not None and not last["data"],
        seen=seen,
        paused=page.query("paused") == "1",
    )


def _range(span: Span, now: datetime) -> dict[str, Any]:
    asked = span.query(now)
    return {"from": asked["from"], "to": asked["to"]}


def _grouped(span: Span, now: datetime) -> dict[str, Any]:
    return {**span.query(now), "group_by": "provider", "limit": MOST_RECEIVERS}


def _version(*parts: Any) -> str:
    told = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _hour_limit(overview: Any) -> Any:
    """The send limit of which most is used."""
    limits = (overview or {}).get("limits", ())
    return max(limits, key=lambda one: one["used"] / max(one["limit"], 1), default=None)


def _change(now: Any, before: Any) -> float | None:
    """How much more was accepted than in the period before, as a part of that; None where that says nothing."""
    if not now or not before or not before["totals"]["outgoing"]:
        return None
    was: int = before["totals"]["outgoing"]
    return float((now["totals"]["outgoing"] - was) / was)


def _charts(page: Page, span: Span, counts: Any) -> dict[str, Any]:
    """The drawn charts; none where the figures cannot be had."""
    if counts is None:
        return {}
    counted = Counted(span, counts, zone_of(page.zone), page.now)

    def links(begin: datetime, end: datetime) -> str:
        query = f"after:{_instant(begin)} before:{_instant(end)}"
        return page.address(f"{page.base}/messages/outgoing", q=query)

    has_times = any(one.get("latency") for one in counts["data"])
    return {
        "mail": mail_chart(counted, links),
        "incoming": incoming_chart(counted) if counts["totals"]["incoming"] else None,
        "time": time_chart(counted, links) if has_times else None,
    }


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _receivers(found: Any) -> list[dict[str, Any]] | None:
    if found is None:
        return None
    groups = [one for one in found["data"] if one["counts"]["outgoing"]]
    largest = max((one["counts"]["outgoing"] for one in groups), default=1)
    return [one | {"bar": share(one["counts"]["outgoing"] / largest)} for one in groups]


def _cause(page: Page, one: Mapping[str, Any]) -> dict[str, Any]:
    """A reason for failures, with the search for its messages."""
    words, tone = cause_words(one["cause"]), _TONES.get(one["status"], "late")
    provider = f" provider:{quoted(one['provider'])}" if one["provider"] else ""
    return {
        **one,
        "title": words.title,
        "tone": tone,
        "trend": spark(one["slots"], tone),
        "q": f"cause:{one['cause']}{provider}",
        "shown": f"{page.base}/messages/{one['direction']}",
    }


ROWS = (
    of_server(
        "GET",
        "",
        show_overview,
        "statistics:read",
        "showOverview",
        "showStatistics",
        "listCauses",
        "listEmails",
    ),
)
