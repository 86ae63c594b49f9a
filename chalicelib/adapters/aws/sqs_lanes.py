"""Wake-ups of lanes in SQS: `<prefix>webhooks`, and `<prefix>webhooks-slow` for those whose receivers are slow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import LONGEST_DELAY
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.domain.webhooks.lane_job import render_lane_job
from chalicelib.ports.clock import Clock

WEBHOOKS, SLOW = "webhooks", "webhooks-slow"
_TRIES = 3
_PAUSE_SECONDS = 0.1
_BATCH = 8
"""Jobs have at most 30 kB, a call 256 kB."""


class SqsLanes:
    """Sends; receiving is the event sources'."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._session = session
        self._prefix = settings.queue_prefix
        self._clock = clock
        self._urls: dict[str, str] = {}

    async def send(self, jobs: Sequence[LaneJob], at: float) -> None:
        """All of the jobs, for the moment `at` as far as SQS can; TemporaryFailure unless all are in."""
        seconds = math.ceil(round(at - self._clock.now(), 3))
        delay = min(max(0, seconds), LONGEST_DELAY)
        for is_slow in (False, True):
            bodies = [render_lane_job(one) for one in jobs if one.is_slow is is_slow]
            for start in range(0, len(bodies), _BATCH):
                some = bodies[start : start + _BATCH]
                entries = [
                    {"Id": str(number), "MessageBody": body, "DelaySeconds": delay}
                    for number, body in enumerate(some)
                ]
                await self._send(SLOW if is_slow else WEBHOOKS, entries)

    async def url(self, queue: str) -> str:
        """Where a queue is."""
        if queue not in self._urls:
            answer = await self._session.call(
                "sqs", "get_queue_url", QueueName=f"{self._prefix}{queue}"
            )
            self._urls[queue] = str(answer["QueueUrl"])
        return self._urls[queue]

    async def _send(self, queue: str, entries: list[dict[str, Any]]) -> None:
        url = await self.url(queue)
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(_PAUSE_SECONDS * attempt)
            answer = await self._session.call(
                "sqs", "send_message_batch", QueueUrl=url, Entries=entries
            )
            sent = {entry["Id"] for entry in answer.get("Successful", ())}
            entries = [entry for entry in entries if entry["Id"] not in sent]
            if not entries:
                return
        raise TemporaryFailure("Webhooks cannot be woken, try again later")
