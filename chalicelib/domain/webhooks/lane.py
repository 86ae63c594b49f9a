"""The line in which the deliveries of one webhook wait, and what is known of its receiver."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.numbering import ServerId


@dataclass(frozen=True, slots=True)
class LaneJob:
    """A wake-up of a lane. `fresh` are ids of deliveries that were stored just now; `is_slow` says whose turn it is to
    work at it."""

    server_id: ServerId
    webhook: str
    is_slow: bool = False
    fresh: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """The line of a webhook. Whoever holds it (`owner`, until `until`) may send. `failing_since`: when the first
    attempt since the last success failed. `is_slow`: its receiver let one time out, and has not taken one since."""

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

    def after_success(self) -> Lane:
        """What is known once the receiver took something."""
        return replace(self, failing_since=None, is_slow=False)

    def after_failure(self, at: float, *, timed_out: bool) -> Lane:
        """What is known once an attempt failed."""
        since = at if self.failing_since is None else self.failing_since
        return replace(self, failing_since=since, is_slow=self.is_slow or timed_out)
