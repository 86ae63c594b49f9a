"""Why mail fails and is delayed, grouped by cause; and the page of one: who says it, in which words, and what helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.causes import cause_words
from chalicelib.web.charts import spark
from chalicelib.web.insight_filter import LONGEST, has_text
from chalicelib.web.page import Page
from chalicelib.web.pages.insights import PERIODS, TABS
from chalicelib.web.row import of_server
from chalicelib.web.slots import SPANS, Span, span_of
from chalicelib.web.words import STATUSES

Cause = Mapping[str, Any]
MOST_MESSAGES = 20
SEVERITY = {"HardFail": 3, "Bounced": 3, "Held": 2, "SoftFail": 1}
# Where a cause is what a receiver thinks of a sender: their own pages.
HELP = {
    "google": ("Google's rules for senders", "https://support.google.com/mail/answer/81126"),
    "microsoft": (
        "Microsoft's pages for senders",
        "https://sendersupport.olc.protection.outlook.com/pm/",
    ),
    "yahoo": ("Yahoo's pages for senders", "https://senders.yahooinc.com/"),
    "apple": ("Apple's rules for senders", "https://support.apple.com/en-us/102322"),
}


async def show_causes(page: Page) -> HttpAnswer:
    """All of a period, those that harm most first."""
    span = _span(page)
    found = await page.ask_or(None, "GET", "/statistics/causes", query=_query(page, span))
    known = None if found is None else sorted(map(_row, found["data"]), key=_harm)
    text = page.query("q")[:LONGEST]
    causes = known and [one for one in known if has_text(text, one["title"], one["provider"])]
    return page.render(
        "insights_causes.html",
        **_frame(page, span),
        causes=causes,
        more=bool(found and found["next_cursor"]),
        text=text,
        is_filtered=bool(known) and not causes,
    )


async def show_cause(page: Page) -> HttpAnswer:
    """One cause with all that say it."""
    span, cause = _span(page), page.values["cause"]
    found, messages = await page.ask_all(
        ("GET", "/statistics/causes", _query(page, span)),
        ("GET", "/emails", {"q": f"cause:{_plain(cause)}", "limit": MOST_MESSAGES}),
    )
    of_it = None if found is None else [one for one in found["data"] if one["cause"] == cause]
    return page.render(
        "insights_cause.html",
        **_frame(page, span),
        cause=cause,
        words=cause_words(cause),
        found=None if of_it is None else _together(of_it),
        messages=messages,
        query=f"cause:{_plain(cause)}",
    )


def _together(found: Sequence[Cause]) -> dict[str, Any]:
    """What is said of a cause by all receivers together."""
    said: Counter[str] = Counter()
    receivers: Counter[str] = Counter()
    for one in found:
        receivers[one["provider"] or ""] += one["count"]
        for answer in one["answers"]:
            said[answer["text"]] += answer["count"]
    slots = [sum(column) for column in zip(*(one["slots"] for one in found), strict=True)]
    return {
        "count": receivers.total(),
        "trend": spark(slots or [0] * 12, _tone(found[0]["status"]) if found else "late"),
        "last_at": max((one["last_at"] for one in found if one["last_at"]), default=None),
        "answers": said.most_common(20),
        "receivers": receivers.most_common(20),
        "help": [HELP[one] for one in receivers if one in HELP],
    }


def _row(one: Cause) -> dict[str, Any]:
    tone = _tone(one["status"])
    return {
        **one,
        "title": cause_words(one["cause"]).title,
        "tone": tone,
        "trend": spark(one["slots"], tone),
    }


def _harm(one: Mapping[str, Any]) -> int:
    return -int(one["count"]) * SEVERITY.get(one["status"], 1)


def _tone(status: str) -> str:
    return STATUSES[status].tone if status in STATUSES else "late"


def _plain(cause: str) -> str:
    """A cause as a search takes it: letters, digits and lines."""
    return "".join(one for one in cause if one.isalnum() or one == "_")[:50]


def _span(page: Page) -> Span:
    return span_of(page.query("period") if page.query("period") in PERIODS else "day")


def _query(page: Page, span: Span) -> dict[str, Any]:
    asked = span.query(page.now)
    return {"from": asked["from"], "to": asked["to"], "limit": 100}


def _frame(page: Page, span: Span) -> dict[str, Any]:
    tabs = [("", "All mail"), *((name, one[0]) for name, one in TABS.items())]
    here = page.request.path.removeprefix(page.prefix)
    return {
        "span": span,
        "spans": [SPANS[one] for one in PERIODS],
        "tab": "causes",
        "tabs": tabs,
        "here": here,
    }


_READ = "statistics:read"
ROWS = (
    of_server("GET", "/insights/causes", show_causes, _READ, "listCauses"),
    of_server("GET", "/insights/causes/{cause}", show_cause, _READ, "listCauses", "listEmails"),
)
