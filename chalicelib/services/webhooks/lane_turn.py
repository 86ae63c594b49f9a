"""One turn at a lane that is held: waves of requests, and what they mean for the lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.http_exchange import NoAnswer
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.domain.webhooks.delivery import DeliveryStatus, WebhookAttempt, WebhookDelivery
from chalicelib.domain.webhooks.lane import Lane
from chalicelib.domain.webhooks.schedule import is_slow, reason_to_disable
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.gather import gather
from chalicelib.services.webhooks.give_up import GiveUpWebhook
from chalicelib.services.webhooks.places import Place
from chalicelib.services.webhooks.post_event import Posted, PostEvent, Sender
from chalicelib.services.webhooks.settle import ChangeDelivery, is_elsewhere, settled

MOST_AT_ONCE = 10
PAGE = 20
LEASE_SPARE = 30.0
_FAR = 1e12


class LaneTurn:
    """What one worker does between claiming a lane and letting it go. `fresh` are ids that it did not get to, `soonest`
    is when the first that it put off is due, `has_more` whether it left something that is due; `attempts` are those
    that count."""

    def __init__(
        self,
        clock: Clock,
        deliveries: WebhookDeliveries,
        lanes: WebhookLanes,
        post: PostEvent,
        give_up: GiveUpWebhook,
        place: Place,
        lane: Lane,
    ) -> None:
        self._clock = clock
        self._deliveries = deliveries
        self._change = ChangeDelivery(deliveries)
        self._lanes = lanes
        self._post = post
        self._give_up = give_up
        self._place = place
        self._done: set[str] = set()
        self._ends = 0.0
        self._gave_up = False
        self._was_cut = False
        self._width = 1
        # A receiver that took nothing since one timed out gets one request at a time.
        self._is_narrow = lane.is_slow
        self._was_slow = lane.is_slow
        self.lane = lane
        self.webhook: Webhook | None = None
        self.fresh: list[str] = []
        self.soonest: float | None = None
        self.has_more = False
        self.requests = 0
        self.attempts: list[WebhookAttempt] = []

    async def work(self, webhook: Webhook | None, fresh: Sequence[str], seconds: float) -> None:
        """Post what is due; to a webhook that is disabled only replays, and what waits for it fails. Without a webhook
        all of it fails."""
        self.webhook, self.fresh = webhook, list(fresh)
        self._ends = self._clock.monotonic() + seconds
        sender = None if webhook is None else await self._post.sender(webhook)
        while await self._page(sender):
            pass
        if self._gave_up:
            self._done.clear()  # what was tried in this turn waits no more either
            while await self._page(sender):
                pass

    async def _page(self, sender: Sender | None) -> bool:
        """Some of what is due; whether to go on."""
        now = self._clock.now() if self._is_open else _FAR
        asked = self.fresh[:PAGE]
        found = await self._deliveries.due(self.lane.server_id, self.lane.webhook, now, PAGE, asked)
        # One that failed may be due again already; it has its next turn.
        waiting = [one for one in found if one.id not in self._done]
        if len(found) < PAGE:
            unseen = set(asked) - {one.id for one in waiting}
            self.fresh = [one for one in self.fresh if one not in unseen]
        if not waiting:
            return False
        while waiting:
            if not await self._has_time():
                self.has_more = True
                return False
            requests, count = self.requests, await self._wave(waiting, sender)
            waiting = waiting[count:]
            if self._must_stop and self.requests > requests:
                self.has_more = bool(waiting) or len(found) >= PAGE
                return False
        return len(found) >= PAGE or bool(self.fresh)

    @property
    def _must_stop(self) -> bool:
        """Whether others have their turn first: among those that are slow, to which it goes if it became so."""
        return self.lane.is_slow and (self._is_narrow or not self._was_slow)

    @property
    def _is_open(self) -> bool:
        return self.webhook is not None and self.webhook.enabled

    async def _has_time(self) -> bool:
        """Whether another wave may begin; it keeps the lane for as long as that takes."""
        if self._clock.monotonic() >= self._ends:
            return False
        now, needed = self._clock.now(), LEASE_SPARE + self._seconds
        if self.lane.until - now < needed:
            until = now + 2 * needed
            if not await self._lanes.extend(self.lane, until):
                raise TemporaryFailure("The lane of a webhook was lost")
            self.lane = replace(self.lane, until=until)
        return True

    @property
    def _seconds(self) -> float:
        return 0.0 if self.webhook is None else float(self.webhook.timeout)

    async def _wave(self, waiting: Sequence[WebhookDelivery], sender: Sender | None) -> int:
        """The first of them, as many as there are places for, at the same time; how many."""
        wanted = min(self._width if self._is_open else MOST_AT_ONCE, len(waiting))
        further = self._place.more(wanted - 1)
        try:
            ended = await gather(self._one(one, sender) for one in waiting[: further + 1])
        finally:
            self._place.give_back(further)
        attempts = [one for one in ended if one is not None]
        for attempt in sorted(attempts, key=lambda one: one.at + one.seconds):
            await self._learn(attempt)
        if self._was_cut:  # whatever it took quickly meanwhile
            self.lane = replace(self.lane, is_slow=True)
        self._width = min(2 * self._width, MOST_AT_ONCE)
        return further + 1

    async def _one(self, delivery: WebhookDelivery, sender: Sender | None) -> WebhookAttempt | None:
        """Try one delivery, or give it up; the attempt, if it tells something of the receiver."""
        webhook = self.webhook
        self._done.add(delivery.id)
        self.fresh = [one for one in self.fresh if one != delivery.id]
        if webhook is None or sender is None or (not webhook.enabled and delivery.replay is None):
            await self._change.change(delivery, _given_up)
            return None
        seconds = self._most_seconds(webhook)
        posted = await self._post.send(sender, delivery, seconds)
        self.requests += 1
        if seconds < webhook.timeout and posted.attempt.code == NoAnswer.TIMED_OUT:
            self._hand_to_slow(delivery)
            return None
        after = await self._settle(delivery, webhook, posted)
        self._note(after)
        return None if is_elsewhere(delivery) else posted.attempt

    def _most_seconds(self, webhook: Webhook) -> float:
        """How long a request may take: all that its webhook says among those that are slow."""
        return (
            float(webhook.timeout) if self._was_slow else min(webhook.timeout, self._place.longest)
        )

    def _hand_to_slow(self, delivery: WebhookDelivery) -> None:
        """Leave a delivery to those who work at slow lanes, as if it had not been tried."""
        self._was_cut = self.has_more = True
        if not delivery.version:
            self.fresh = [delivery.id, *self.fresh]

    async def _settle(
        self, tried: WebhookDelivery, webhook: Webhook, posted: Posted
    ) -> WebhookDelivery:
        return await self._change.change(tried, lambda one: settled(one, tried, webhook, posted))

    def _note(self, after: WebhookDelivery) -> None:
        if (due := after.due_at) is not None:
            self.soonest = due if self.soonest is None else min(due, self.soonest)

    async def _learn(self, attempt: WebhookAttempt) -> None:
        """What an attempt tells of the receiver."""
        self.attempts.append(attempt)
        was_slow = is_slow(attempt.code, attempt.seconds)
        if attempt.succeeded:
            self._is_narrow = False
            self.lane = self.lane.after_success(was_slow=was_slow)
            return
        at = attempt.at + attempt.seconds
        self._is_narrow = self._is_narrow or attempt.code == NoAnswer.TIMED_OUT
        self.lane = self.lane.after_failure(at, was_slow=was_slow)
        webhook = self.webhook
        if webhook is None or not webhook.enabled:
            return
        reason = reason_to_disable(attempt.code, self.lane.failing_since or at, at)
        if reason is not None:
            self.webhook = await self._give_up.give_up(webhook, reason)
            self._gave_up = not self.webhook.enabled


def _given_up(delivery: WebhookDelivery) -> WebhookDelivery:
    """A delivery to a webhook that is not there, or disabled."""
    if delivery.status is not DeliveryStatus.WAITING:
        return replace(delivery, replay=None)
    return replace(delivery.ended(DeliveryStatus.FAILED), replay=None)
