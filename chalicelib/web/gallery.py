"""The parts that pages are made of, each by itself with sample values, for tests, pictures and makers of pages.

The local stack shows them; nothing is asked, and nobody needs to be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from chalicelib.web import charts
from chalicelib.web.asking import Problem
from chalicelib.web.dns_words import shown as record_of
from chalicelib.web.rendering import render
from chalicelib.web.slots import SPANS, Counted, mail_chart, time_chart

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "states": "States and badges",
        "icons": "Icons",
        "fields": "Fields, error summary and flash",
        "tables": "Table, pager and empty state",
        "navigation": "Tabs, segments, chips and menu",
        "reason": "Reason box and facts",
        "record": "Records",
        "timeline": "Timeline and conversation",
        "figures": "Figures, charts and bars",
    }
)
ADDRESS = "/_local/parts"
NOW = datetime(2026, 3, 22, 12, tzinfo=UTC)
_DOMAIN = {"name": "acme.example", "records": (), "dkim_ok": False, "return_path_ok": True}
_RECORD = {
    "purpose": "spf",
    "type": "TXT",
    "name": "acme.example",
    "value": "v=spf1 include:spf.posthorn.example ~all",
    "required": True,
    "text": "",
    "suggestion": None,
}
_FOUND: tuple[tuple[str | None, list[str]], ...] = (
    ("OK", ["v=spf1 include:spf.posthorn.example ~all"]),
    ("Missing", []),
    (None, []),
)


def part(name: str) -> str | None:
    """The page of a part, with an empty name that of all; None where there is no such part."""
    if name and name not in PARTS:
        return None
    values = {
        "part": name,
        "parts": PARTS,
        "address": ADDRESS,
        "prefix": "",
        "now": NOW,
        "zone": UTC,
        "csrf": "",
        "problem": Problem(422, {"errors": [{"pointer": "/name", "detail": "is too long"}]}),
        "records": [_record(*one) for one in _FOUND] if name == "record" else (),
        **(_figures() if name == "figures" else {}),
    }
    return render("gallery.html", values)


def _record(status: str | None, found: list[str]) -> Any:
    return record_of({**_RECORD, "status": status, "found": found}, _DOMAIN)


def _figures() -> dict[str, Any]:
    span = SPANS["day"]
    data = []
    for hour in range(24):
        at = datetime(2026, 3, 21 + (13 + hour) // 24, (13 + hour) % 24, tzinfo=UTC)
        counts = {
            "outgoing": 300 + 40 * (hour % 7),
            "soft_fails": hour % 5,
            "hard_fails": hour % 3,
            "bounces": 0,
        }
        latency = {"p50": 1.1 + hour % 4, "p95": 9.0 + hour}
        data.append({"at": at.isoformat(), "counts": counts, "latency": latency})
    answer = {
        "from": data[0]["at"],
        "data": data,
        "latency": {"p50": 1.4, "p95": 22.0},
    }
    counted = Counted(span, answer, UTC, NOW)
    return {
        "mail": mail_chart(counted, _nowhere),
        "times": time_chart(counted, _nowhere),
        "nothing": mail_chart(Counted(span, {**answer, "data": []}, UTC, NOW), _nowhere),
        "share": charts.share(0.6),
        "spark": charts.spark([0, 0, 1, 4, 9, 3, 2, 2, 0, 0, 5, 1], "bad"),
        "against": [charts.against(one, 0.001) for one in (0.0004, 0.0009, 0.0015)],
    }


def _nowhere(begin: datetime, end: datetime) -> str:
    return "#main"
