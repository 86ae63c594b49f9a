"""Reading the moments that `before` and `after` name. Days begin at midnight UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from chalicelib.domain.durations import DAY
from chalicelib.domain.search.query import Between
from chalicelib.domain.search.values import SPANS, BadValue, Given

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[t ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?P<zone>z|[+-][0-9]{2}:[0-9]{2})?"
)
_SPAN = re.compile(r"([0-9]{1,6})([a-z])")
_AGO = re.compile(r"([0-9]{1,6})\s+(second|minute|hour|day|week)s?\s+ago")
_FORMS = "a moment is 2026-03-22, 2026-03-22 12:00, 2026-03-22T12:00:00Z, 36h, 7d, today, yesterday or 2 days ago"


def before(given: Given) -> Between:
    """All before a moment."""
    return Between(high=_moment(given))


def after(given: Given) -> Between:
    """A moment and all after it."""
    return Between(low=_moment(given))


def _moment(given: Given) -> float:
    text, now = " ".join(given.text.lower().split()), given.now
    midnight = now // DAY * DAY
    if text in ("today", "yesterday"):
        return midnight if text == "today" else midnight - DAY
    if found := _SPAN.fullmatch(text) or _AGO.fullmatch(text):
        if found[2][0] in SPANS:
            return now - int(found[1]) * SPANS[found[2][0]]
    elif _DATE.fullmatch(text) or _TIME.fullmatch(text):
        return _of_calendar(text)
    raise BadValue(_FORMS)


def _of_calendar(text: str) -> float:
    try:
        found = datetime.fromisoformat(text.upper())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except ValueError as error:
        raise BadValue("there is no such day or time") from error
