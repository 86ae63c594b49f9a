"""Working at a lane: posting what is due to one webhook, for a bounded time.

One worker at a time holds a lane. It begins with one request and doubles their number, up to MOST_AT_ONCE, while none
takes long; after one that did it stops, and the lane is worked at among the slow ones until its receiver takes
something quickly. There too it is one request at a time for a receiver that let one time out, until it takes something:
one that hangs costs one request at a time. What is due later is woken later; a worker that dies leaves a
lane that is worked at again once its lease has ended, and then an event may come twice, under the same id. A wake-up
that finds the lane held comes back soon: only the worker that it wakes may see what is fresh.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.tenancy.entity import Place as Where
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook
from chalicelib.domain.webhooks.lane import Lane, LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.give_up import GiveUpWebhook
from chalicelib.services.webhooks.lane_turn import LEASE_SPARE, LaneTurn
from chalicelib.services.webhooks.note_turn import NoteTurn
from chalicelib.services.webhooks.places import EnoughRoom, Place
from chalicelib.services.webhooks.post_event import PostEvent

LEASE_SECONDS = 60.0
AGAIN_SECONDS = 5.0
HELD_SECONDS, MOST_HELD_SECONDS = 1.0, 5.0


class WorkLane:
    """Works at lanes."""

    def __init__(
        self,
        clock: Clock,
        rand: Rand,
        repository: Repository,
        deliveries: WebhookDeliveries,
        lanes: WebhookLanes,
        post: PostEvent,
        give_up: GiveUpWebhook,
        note: NoteTurn,
    ) -> None:
        self._clock = clock
        self._rand = rand
        self._repository = repository
        self._deliveries = deliveries
        self._lanes = lanes
        self._post = post
        self._give_up = give_up
        self._note = note

    async def run(self, job: LaneJob, seconds: float, place: Place | None = None) -> int:
        """Post what is due, beginning nothing after so many seconds; how many requests there were. TemporaryFailure
        when store or vault are away: the lane is worked at again."""
        now, owner = self._clock.now(), self._rand.bytes(8).hex()
        lane = await self._lanes.claim(
            job.server_id, job.webhook, owner, now, now + LEASE_SECONDS + LEASE_SPARE
        )
        if lane.owner != owner:
            await self._come_back(job, lane, now)
            return 0
        if lane.is_slow and not job.is_slow:
            # Woken first: who dies in between leaves a lane that somebody works at.
            await self._lanes.wake([replace(job, is_slow=True)])
            await self._lanes.let_go(lane, None)
            return 0
        turn = LaneTurn(
            self._clock,
            self._deliveries,
            self._lanes,
            self._post,
            self._give_up,
            place or EnoughRoom(),
            lane,
        )
        try:
            await turn.work(await self._webhook(lane), job.fresh, seconds)
        except TemporaryFailure:
            await self._lanes.let_go(turn.lane, self._clock.now() + AGAIN_SECONDS)
            raise
        await self._let_go(turn)
        await self._note.note(turn, now)
        return turn.requests

    async def _come_back(self, job: LaneJob, lane: Lane, now: float) -> None:
        """Wake it again a little later each time, but once the lease has ended."""
        wait = min(HELD_SECONDS * (1 + job.waited), MOST_HELD_SECONDS)
        later = replace(job, is_slow=lane.is_slow, waited=job.waited + 1)
        await self._lanes.wake([later], min(now + wait, lane.until + 1))

    async def _let_go(self, turn: LaneTurn) -> None:
        """Free the lane, and wake it for what is left."""
        lane = turn.lane
        soonest = await self._deliveries.next_due(lane.server_id, lane.webhook)
        if turn.soonest is not None:
            soonest = turn.soonest if soonest is None else min(soonest, turn.soonest)
        now = self._clock.now()
        # The index may tell for a moment of what was done with.
        due_at = now if turn.has_more else None if soonest is None else max(soonest, now + 1)
        if turn.fresh:
            due_at = None
        freed = await self._lanes.let_go(lane, due_at)
        if freed and turn.fresh:
            job = replace(lane.job, fresh=tuple(turn.fresh))
            await self._lanes.wake([job])

    async def _webhook(self, lane: Lane) -> Webhook | None:
        place = Where(of_server(lane.server_id), lane.webhook)
        try:
            return await self._repository.get(WEBHOOKS, place)
        except NotFound:
            return None
