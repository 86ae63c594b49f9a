"""What happened to a message as one list: planned, accepted, attempts, holds, what came back, opens, webhooks.

Pure: objects of the API in, events out, each with what the page says of its kind. Many repeats of one outcome, and many
opens, fold into one event that says how many there were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Thing = Mapping[str, Any]
MOST_REPEATS = 8
MOST_VISITS = 5
_HOST = re.compile(r"\(([^()]{1,253})\)$")
_TRIED = {"Sent": "good", "SoftFail": "late", "Error": "late", "HardFail": "bad"}
_OTHERS = {
    "Held": ("held", "held", "paused"),
    "HoldCancelled": ("cancelled", "idle", "none"),
    "Bounced": ("came_back", "bad", "bounced"),
    "Processed": ("processed", "good", "good"),
    "Pending": ("other", "idle", "none"),
}
_ICONS = {"good": "good", "late": "late", "bad": "failed"}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or (`planned`) will. `number` is that of an attempt, `count` how many were folded."""

    kind: str
    at: str
    tone: str
    icon: str
    thing: Thing = field(default_factory=dict)
    number: int = 0
    count: int = 1

    @property
    def host(self) -> str:
        """The name of the server that an attempt talked to, else its address."""
        remote = str(self.thing.get("remote") or "")
        found = _HOST.search(remote)
        return found[1] if found else remote


def timeline(
    email: Thing,
    deliveries: Sequence[Thing],
    webhooks: Sequence[Thing] = (),
    *,
    folds: bool = True,
) -> list[Event]:
    """Everything about a message, newest first, with what is planned at the top."""
    events = [_accepted(email), *_checked(email), *_attempts(deliveries, folds=folds)]
    events += _visits(email["opens"], "opened", folds=folds)
    events += _visits(email["clicks"], "clicked", folds=folds)
    events += [_report(one) for one in email["reports"]]
    events += [_webhook(one) for one in webhooks]
    ordered = sorted(events, key=lambda one: one.at)
    ordered += _planned(email, sum(1 for one in deliveries if _is_attempt(one)))
    return list(reversed(ordered))


def _accepted(email: Thing) -> Event:
    return Event("accepted", email["received_at"], "idle", "endpoint", email)


def _checked(email: Thing) -> Iterator[Event]:
    """The checks at acceptance, and what inspection found of mail that came in."""
    accepted = email.get("accepted")
    if accepted:
        tone = "bad" if any(one["result"] == "fail" for one in accepted["checks"]) else "good"
        yield Event("checked", email["received_at"], tone, "signed", accepted)
    elif email.get("authentication"):
        yield Event("inspected", email["received_at"], "good", "signed", email)


def _is_attempt(delivery: Thing) -> bool:
    return delivery["status"] in _TRIED and (
        bool(delivery.get("remote"))
        or delivery.get("seconds") is not None
        or bool(delivery["cause"])
    )


def _attempts(deliveries: Sequence[Thing], *, folds: bool) -> Iterator[Event]:
    number = 0
    run: list[Event] = []
    for one in deliveries:
        event = _delivery(one, number + 1)
        number += event.kind == "attempt"
        if run and (event.kind != "attempt" or _outcome(event) != _outcome(run[0])):
            yield from _folded(run, folds=folds)
            run = []
        run.append(event)
    yield from _folded(run, folds=folds)


def _delivery(one: Thing, number: int) -> Event:
    status = one["status"]
    if _is_attempt(one):
        tone = _TRIED[status]
        kind = "fault" if status == "Error" else "attempt"
        return Event(kind, one["at"], tone, _ICONS[tone], one, number)
    if status in _TRIED:
        return Event("ended", one["at"], _TRIED[status], _ICONS[_TRIED[status]], one)
    kind, tone, icon = _OTHERS.get(status, _OTHERS["Pending"])
    return Event(kind, one["at"], tone, icon, one)


def _outcome(event: Event) -> tuple[Any, ...]:
    one = event.thing
    return (event.kind, one["status"], one.get("cause"), one.get("output") or one["details"])


def _folded(run: list[Event], *, folds: bool) -> list[Event]:
    """The first and the last of many attempts that ended alike, and one that stands for those between."""
    if not folds or len(run) <= MOST_REPEATS:
        return run
    middle = run[1:-1]
    last = middle[-1]
    stands = Event("folded", last.at, last.tone, last.icon, last.thing, count=len(middle))
    return [run[0], stands, run[-1]]


def _visits(visits: Sequence[Thing], kind: str, *, folds: bool) -> list[Event]:
    """Opens or clicks, oldest first."""
    icon = "eye" if kind == "opened" else "tracking"
    events = [Event(kind, one["at"], "idle", icon, one) for one in visits]
    if not folds or len(events) <= MOST_VISITS:
        return events
    rest = events[MOST_VISITS:]
    more = Event(f"{kind}_more", rest[-1].at, "idle", icon, rest[-1].thing, count=len(rest))
    return [*events[:MOST_VISITS], more]


def _report(report: Thing) -> Event:
    tones = {"bounce": "bad", "complaint": "bad", "delay": "late"}
    return Event("report", report["at"], tones.get(report["kind"], "idle"), "bounced", report)


def _webhook(delivery: Thing) -> Event:
    tone = {"delivered": "idle", "failed": "bad"}.get(delivery["status"], "late")
    return Event("webhook", delivery["created_at"], tone, "webhook", delivery)


def _planned(email: Thing, made: int) -> list[Event]:
    """What comes next, when that is known."""
    wait = email.get("wait")
    if wait is None or wait["code"] == "in_progress":
        return []
    if email["held"]:
        until = email["hold_expires_at"] or wait["until"]
        return [Event("ends", until, "idle", "waiting", email)] if until else []
    until = email["next_attempt_at"] or wait["until"]
    if wait["code"] == "scheduled":
        until = email["scheduled_at"] or until
    return [Event("planned", until, "idle", "waiting", email, made + 1)] if until else []
