"""What header fields of a message tell: the hops that it took with their delays, and who vouched for it.

Pure. Fields come as the API decodes them, newest first; what cannot be read is shown as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_HOPS = 50
LONGEST = 2_000
_FROM = re.compile(r"^\s*from\s+(\S{1,255})", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,255})", re.IGNORECASE)
_WITH = re.compile(r"(?<=\s)with\s+([A-Za-z0-9/+-]{1,40})", re.IGNORECASE)
_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc|arc|iprev)\s*=\s*([a-z]{2,12})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hop:
    """One server that passed it on: from whom, by whom, how, when, and how many seconds after the one before."""

    from_name: str
    by_name: str
    protocol: str
    at: str
    delay: float | None


def hops_of(fields: Sequence[Mapping[str, str]]) -> list[Hop]:
    """The hops of a message, the first server first."""
    found: list[Hop] = []
    before: datetime | None = None
    received = [one["value"] for one in fields if one["name"].lower() == "received"]
    for value in reversed(received[:MOST_HOPS]):
        text = value[:LONGEST]
        moment = _moment(text.rpartition(";")[2])
        delay = None if moment is None or before is None else (moment - before).total_seconds()
        at = "" if moment is None else moment.isoformat().replace("+00:00", "Z")
        found.append(Hop(_first(_FROM, text), _first(_BY, text), _first(_WITH, text), at, delay))
        before = moment or before
    return found


def results_of(fields: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    """What the first `Authentication-Results` says: `spf`, `pass`, and so on; the outermost is ours or the last."""
    for one in fields:
        if one["name"].lower() == "authentication-results":
            said = _RESULT.findall(one["value"][:LONGEST])
            return [(name.lower(), result.lower()) for name, result in said]
    return []


def _first(expression: re.Pattern[str], text: str) -> str:
    found = expression.search(text)
    return found[1] if found else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.strip()[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
