"""When a failed delivery is tried again, and when its webhook is given up (api.md 2.17, contract 6.4)."""

from __future__ import annotations

from chalicelib.domain.durations import DAY
from chalicelib.domain.http_exchange import NoAnswer
from chalicelib.domain.tenancy.webhooks import Retries

_MINUTE, _HOUR = 60, 3_600
WAITS: dict[Retries, tuple[int, ...]] = {
    Retries.LONG: (
        *(5, 5 * _MINUTE, 30 * _MINUTE),
        *(hours * _HOUR for hours in (2, 5, 10, 14, 20, 24)),
    ),
    Retries.POSTAL: tuple(minutes * _MINUTE for minutes in (2, 3, 6, 10, 15)),
}
"""Seconds between an attempt that failed and the next one."""

GIVEN_UP_SECONDS = 3 * DAY
GONE = 410
QUICK_SECONDS = 2.0
_ASK_TO_WAIT = (429, 503)


def next_attempt(retries: Retries, tries: int, code: int, asked: int, now: float) -> float | None:
    """When the attempt after the `tries`th, which failed with `code` at `now`, is due; None when that was the last.
    `asked`: the seconds that the answer wants us to wait, believed of 429 and 503."""
    waits = WAITS[retries]
    if code == GONE or tries > len(waits):
        return None
    least = asked if code in _ASK_TO_WAIT else 0
    return now + max(waits[tries - 1], least)


def reason_to_disable(code: int, failing_since: float, now: float) -> str | None:
    """Why a webhook is to get nothing more after an attempt that failed, if so; `failing_since` is when the first one
    since the last success did."""
    if code == GONE:
        return "The receiver answered 410 (Gone)"
    if now - failing_since >= GIVEN_UP_SECONDS:
        return "No attempt has succeeded for 3 days"
    return None


def is_slow(code: int, seconds: float) -> bool:
    """Whether an attempt makes a receiver a slow one: it took long, whatever came of it."""
    return code == NoAnswer.TIMED_OUT or seconds > QUICK_SECONDS
