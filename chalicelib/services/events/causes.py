"""Why mail fails: how often, when, and in which words (api.md 2.14).

How often and when comes from counters. Words are not counted, because they name people: they are those of the newest
MOST_READ messages that failed, wait to be tried again or bounced, in each direction; in them an address is only its
domain. So however much has failed, a look costs the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.domain.groups import HOURS_KEPT, OTHERS, Dimension, Failure
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Span
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.group_statistics import MOST_DAYS
from chalicelib.services.gather import gather

SLOTS = 12
MOST_READ = 100
MOST_ANSWERS = 20
LONGEST_ANSWER = 250
_FLAGS = ("failed", "queued", "bounced")
_LOCAL_PART = re.compile(r"[^\s<>\"'(),:;@]+@(?=[^\s<>\"'(),:;@])")


@dataclass(slots=True)
class CauseOfFailure:
    """One reason, status and provider. `slots` has how often in each twelfth of the range; `answers` the words of
    those that were read, the most frequent first. `last_at` is when it was last read, else when the last
    twelfth with it began (epoch seconds)."""

    failure: Failure
    slots: list[int] = field(default_factory=lambda: [0] * SLOTS)
    last_at: float | None = None
    words: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How often."""
        return sum(self.slots)

    @property
    def answers(self) -> list[tuple[str, int]]:
        """At most MOST_ANSWERS texts, and how often each was read."""
        return sorted(self.words.items(), key=lambda one: (-one[1], one[0]))[:MOST_ANSWERS]

    @property
    def position(self) -> str:
        """Where it stands in the list: it falls from one to the next."""
        return f"{self.count:012d} {self.failure.value}"


class Causes:
    """Reads them."""

    def __init__(self, clock: Clock, groups: GroupCounts, messages: MessageStore) -> None:
        self._clock = clock
        self._groups = groups
        self._messages = messages

    async def of(
        self, server: ServerId, since: float | None, until: float | None, direction: Scope | None
    ) -> list[CauseOfFailure]:
        """The causes of a range, the most frequent first: the hours from the one in which `since` lies to the one in
        which `until` lies, by themselves the last day; whole days where hours are not kept. InvalidRequest."""
        span = _span(since, until, self._clock.now())
        found: dict[Failure, CauseOfFailure] = {}
        for value, parts in (await self._groups.read(server, Dimension.FAILURE, span)).items():
            failure = None if value == OTHERS else Failure.parse(value)
            if failure is None or direction not in {None, failure.direction}:
                continue
            cause = found[failure] = CauseOfFailure(failure)
            for start, counts in parts.items():
                cause.slots[(start - span.first) // span.width] += sum(counts.values())
                cause.last_at = max(cause.last_at or 0.0, float(start))
        for scope in (direction,) if direction else tuple(Scope):
            _add_words(found, await self._newest(server, scope), span)
        return sorted(found.values(), key=lambda one: one.position, reverse=True)

    async def _newest(self, server: ServerId, scope: Scope) -> list[MessageRecord]:
        pages = await gather(
            self._messages.flagged(server, scope, flag, MOST_READ) for flag in _FLAGS
        )
        return [record for page in pages for record in page.values]


def _add_words(
    found: dict[Failure, CauseOfFailure], records: Iterable[MessageRecord], span: Span
) -> None:
    """What was said of these messages, to the causes that are known."""
    end = span.first + span.width * SLOTS
    for record in records:
        for one in record.deliveries:
            if one.cause is None or not span.first <= one.at < end:
                continue
            scope = record.message.scope
            cause = found.get(Failure(scope, one.cause, one.status, record.provider))
            if cause is not None:
                cause.last_at = max(cause.last_at or 0.0, one.at)
                cause.words[_words(one.output or one.details)] += 1


def _words(text: str) -> str:
    return _LOCAL_PART.sub("*@", " ".join(text.split()))[:LONGEST_ANSWER]


def _span(since: float | None, until: float | None, now: float) -> Span:
    """The range in twelve parts of whole hours or days, the last of which may reach beyond its end."""
    end = now if until is None else until
    begin = end - DAY + HOUR if since is None else since
    period, seconds = Period.HOUR, HOUR
    if begin < now - HOURS_KEPT * DAY:
        period, seconds = Period.DAY, DAY
    first, last = int(begin // seconds) * seconds, int(end // seconds) * seconds
    if not 0 <= first <= last or last - first > MOST_DAYS * DAY:
        detail = f"lies after the end, or more than {MOST_DAYS} days before it"
        raise InvalidRequest(
            f"The range cannot be: its beginning {detail}", (FieldError("/from", "range", detail),)
        )
    units = (last - first) // seconds + 1
    return Span(period, first, last, -(-units // SLOTS) * seconds)
