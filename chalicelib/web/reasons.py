"""Why a message waits, is held, or failed: one table of titles, sentences and what can be done (docs/dashboard.md).

Pure. The API says why (`wait.code`, and the cause of the last attempt); where it says less, a reason says less. Titles
and sentences have the places `{domain}` (the recipient's) and `{pool}` and no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.web.causes import cause_words


@dataclass(frozen=True, slots=True)
class Reason:
    """Its title, a sentence that says what it means, the tone, and what may be done, most helpful first.

    Actions: `retry`, `cancel`, `release`, `allow` (release, and off the suppression list), `send_now` and `reschedule`
    (scheduled mail), `resend`, `bounce`, `replay`, `check` (look at the domain's records), `limit`, `rates` and `pool`
    (where those are set).
    """

    title: str
    sentence: str
    tone: str
    actions: tuple[str, ...] = ()


_TRY = ("retry", "cancel")
_HELD = ("release", "cancel")
WAITS = {
    "queued": Reason(
        "Waiting for a worker",
        "It was accepted and is sent as soon as a worker is free, which takes seconds.",
        "idle",
    ),
    "in_progress": Reason(
        "Being sent right now", "A worker talks to the receiver at this moment.", "idle"
    ),
    "retry": Reason(
        "Waiting for the next attempt",
        "An attempt did not succeed. We try again by ourselves.",
        "late",
        _TRY,
    ),
    "throttled": Reason(
        "We slow down for the receiver",
        "As many connections to {domain} are in use as it takes at a time. It is sent when one is free.",
        "idle",
    ),
    "source": Reason(
        "Every address of the pool {pool} is suspended",
        "There is no address that this message could be sent from. It is sent when one is in use again.",
        "late",
        ("pool", "cancel"),
    ),
    "scheduled": Reason(
        "To be sent later, as asked",
        "Whoever sent it asked for this time.",
        "idle",
        ("send_now", "reschedule", "cancel"),
    ),
    "credential": Reason(
        "Held: its key holds all mail",
        "The key that it was sent with is set to hold what it sends until somebody has looked at it.",
        "held",
        _HELD,
    ),
    "suppressed": Reason(
        "Held: the recipient is suppressed",
        "The recipient is on the suppression list, so mail to them is held in place of being sent.",
        "held",
        ("allow", "release", "cancel"),
    ),
    "send_limit": Reason(
        "Held: a send limit is used up",
        "As many messages were sent as the limit allows. It goes on by itself when there is room.",
        "held",
        ("limit", "cancel"),
    ),
    "complaint_rate": Reason(
        "Held: too many recipients complain",
        "More of the last day's mail was complained about than the operators allow. It goes on by itself "
        "when that is fewer, or when an operator raises the limit.",
        "held",
        ("rates", "cancel"),
    ),
    "bounce_rate": Reason(
        "Held: too much mail comes back",
        "More of the last day's mail did not reach its recipients than the operators allow. It goes on by itself "
        "when that is less, or when an operator raises the limit.",
        "held",
        ("rates", "cancel"),
    ),
    "development": Reason(
        "Held: the server is in development mode",
        "In development mode nothing is sent to the world. It can be released one by one.",
        "held",
        _HELD,
    ),
    "suspended": Reason(
        "Held: the server is suspended",
        "Nothing is sent while the server or its organization is suspended.",
        "held",
        ("cancel",),
    ),
    "quarantine": Reason(
        "Held: taken for spam",
        "Its spam score is above the threshold, and its route puts such mail into quarantine.",
        "held",
        ("release", "bounce", "cancel"),
    ),
    "route": Reason(
        "Held: its route holds all mail",
        "The route that took it is set to hold mail until somebody has looked at it.",
        "held",
        ("release", "bounce", "cancel"),
    ),
    "endpoint": Reason(
        "Held: its endpoint is disabled",
        "The endpoint that it is for takes nothing at the moment. Enable the endpoint, then release it.",
        "held",
        _HELD,
    ),
    "unknown_outcome": Reason(
        "Held: the receiver may already have it",
        "An attempt broke off after everything was sent, so nobody knows whether it arrived. "
        "Releasing it may bring a second copy.",
        "held",
        _HELD,
    ),
    "dead_letter": Reason(
        "Held: we had an error",
        "We could not process this message. Our operators are told of it. It can be released to try once more.",
        "held",
        _HELD,
    ),
    "manual": Reason(
        "Held by a person",
        "Somebody held it. It waits until it is released or cancelled.",
        "held",
        _HELD,
    ),
}
OUR_FAULT = Reason(
    "We had an error",
    "Something broke on our side. We try again by ourselves.",
    "late",
    _TRY,
)
_SILENT = {
    "no_answer": "No server of {domain} answers",
    "connection": "The servers of {domain} break the connection",
    "dns_failure": "The DNS of {domain} does not answer",
}
_FINISHED = {"HardFail": "Refused", "Bounced": "Came back"}
LONGEST_PLACE = 80
MOST_AHEAD = 10_000  # as far as the API counts
_PLACE = re.compile(r"\{(domain|pool)\}")


def reason_of(email: Mapping[str, Any], deliveries: Sequence[Mapping[str, Any]]) -> Reason | None:
    """Why a message is not done, or ended badly; None for one that is well. `deliveries` come oldest first."""
    found = _found(email, deliveries)
    if found is None:
        return None
    _, _, domain = str(email["to"]).rpartition("@")
    places = {
        "domain": domain[:LONGEST_PLACE] or "the receiver",
        "pool": email.get("pool") or "default",
    }
    if email["direction"] == "incoming":
        places["domain"] = "the endpoint"
    return replace(
        found, title=_filled(found.title, places), sentence=_filled(found.sentence, places)
    )


def waiting_reason(code: str) -> Reason:
    """The reason of a `wait.code`; of one that is new here, what can be said of any."""
    return WAITS.get(code) or Reason(
        f"Waiting: {code.replace('_', ' ')}", "It is not done yet.", "late", ("cancel",)
    )


def group_title(code: str) -> str:
    """The title of a `wait.code` where it is of many messages."""
    places = {"domain": "a receiver", "pool": "that they leave by"}
    return _filled(waiting_reason(code).title, places)


def _found(email: Mapping[str, Any], deliveries: Sequence[Mapping[str, Any]]) -> Reason | None:
    wait, last = email.get("wait"), _last_failed(deliveries)
    cause = None if last is None else last.get("cause")
    if wait is not None:
        if wait["code"] != "retry":
            return _behind(waiting_reason(wait["code"]), wait.get("ahead"))
        if email["status"] == "Error":
            return OUR_FAULT
        return WAITS["retry"] if cause is None else _retried(cause)
    verb = _FINISHED.get(email["status"])
    if verb is None:
        return None
    return _ended(email, verb, cause, deliveries)


def _behind(reason: Reason, ahead: int | None) -> Reason:
    """With how many are tried before it, where that is known."""
    if not ahead:
        return reason
    told = "more than 10,000" if ahead >= MOST_AHEAD else f"{ahead:,}"
    said = f"{told} {'message is' if ahead == 1 else 'messages are'} ahead"
    return replace(reason, title=f"{reason.title}: {said}")


def _retried(cause: str) -> Reason:
    words = cause_words(cause)
    title = _SILENT.get(cause, words.title)
    return Reason(f"Waiting: {_lower(title)}", words.meaning, "late", _TRY)


def _ended(
    email: Mapping[str, Any],
    verb: str,
    cause: str | None,
    deliveries: Sequence[Mapping[str, Any]],
) -> Reason:
    again = ("resend",) if email["direction"] == "outgoing" else ("replay",)
    told = deliveries[-1]["details"] if deliveries else ""
    if told.startswith("Given up by "):
        return Reason("Given up by a person", "Somebody ended it without sending it.", "bad", again)
    if cause is None:
        title = "It failed for good" if verb == "Refused" else "It came back"
        return Reason(title, "The timeline says what was answered.", "bad", again)
    words = cause_words(cause)
    more = ("check", *again) if cause in ("authentication", "sender_invalid") else again
    return Reason(f"{verb}: {_lower(words.title)}", f"{words.meaning} {words.advice}", "bad", more)


def _last_failed(deliveries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((one for one in reversed(deliveries) if one.get("cause")), None)


def _lower(title: str) -> str:
    """As it goes on behind a colon."""
    return title[0].lower() + title[1:]


def _filled(text: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: places[found[1]], text)
