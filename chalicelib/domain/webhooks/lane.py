"""The line in which the deliveries of one webhook wait, and what is known of its receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.numbering import ServerId

MOST_FRESH = 500
"""Ids that one wake-up names."""


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A wake-up of a lane. `fresh` are ids of deliveries that were stored just now; `is_slow` says whose turn it is to
    work at it; `waited`: how often it found the lane held."""

    server_id: ServerId
    webhook: str
    is_slow: bool = False
    fresh: tuple[str, ...] = ()
    waited: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """The line of a webhook. Whoever holds it (`owner`, until `until`) may send. `failing_since`: when the first
    attempt since the last success failed. `is_slow`: its receiver took long for one, and has not taken one quickly
    since."""

    server_id: ServerId
    webhook: str
    owner: str = ""
    until: float = 0.0
    failing_since: float | None = None
    is_slow: bool = False

    @property
    def job(self) -> LaneJob:
        """A wake-up of it."""
        return LaneJob(self.server_id, self.webhook, self.is_slow)

    def after_success(self, *, was_slow: bool) -> Lane:
        """What is known once the receiver took something."""
        return replace(self, failing_since=None, is_slow=was_slow)

    def after_failure(self, at: float, *, was_slow: bool) -> Lane:
        """What is known once an attempt failed."""
        since = at if self.failing_since is None else self.failing_since
        return replace(self, failing_since=since, is_slow=self.is_slow or was_slow)


def merged(jobs: Sequence[LaneJob]) -> list[tuple[LaneJob, list[int]]]:
    """As few wake-ups as do for all of these, and the positions of those that each stands for: those of a lane are one
    as long as it names at most MOST_FRESH ids."""
    found: list[tuple[LaneJob, list[int]]] = []
    last: dict[tuple[ServerId, str, bool], int] = {}
    for number, job in enumerate(jobs):
        lane = (job.server_id, job.webhook, job.is_slow)
        if lane in last:
            known, numbers = found[last[lane]]
            fresh = tuple(dict.fromkeys((*known.fresh, *job.fresh)))
            if len(fresh) <= MOST_FRESH:
                waited = min(known.waited, job.waited)
                found[last[lane]] = (
                    replace(known, fresh=fresh, waited=waited),
                    [*numbers, number],
                )
                continue
        last[lane] = len(found)
        found.append((job, [number]))
    return found
