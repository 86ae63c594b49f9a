"""Posts events to webhooks: works at lanes that are due, many at a time, each within its places.

A lane that finds no place stays due, and keeps nobody waiting whose server has places left. It looks at once when a
lane is woken in this process, and each second for what others woke.
"""

from __future__ import annotations

import asyncio
import logging

from chalicelib.adapters.sqlite.webhook_lanes import LaneBell, SqliteWebhookLanes
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError
from chalicelib.domain.webhooks.lane import LaneJob
from chalicelib.ports.clock import Clock
from chalicelib.services.webhooks.places import LanePlace, Places
from chalicelib.services.webhooks.tenants import LaneTenants
from chalicelib.services.webhooks.work_lane import WorkLane

LOG = logging.getLogger("posthorn.webhooks")
TURN_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 1.0
SHORTEST_WAIT = 0.005
MOST_LOOKED_AT = 1_000


class WebhookWorkers:
    """The posting half of the first process."""

    def __init__(self, posthorn: Posthorn) -> None:
        self._lanes = posthorn[SqliteWebhookLanes]
        self._bell = posthorn[LaneBell]
        self._clock = posthorn[Clock]
        self._work = posthorn[WorkLane]
        self._tenants = posthorn[LaneTenants]
        self._working: dict[str, asyncio.Task[None]] = {}
        self.places = Places()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, and end when what is under way is done with."""
        # Nobody else works at lanes: whoever held some has died.
        await self._lanes.free_all()
        while not stop.is_set():
            try:
                wait = await self._take()
            except MailError as away:
                LOG.warning("no lanes are worked at: %s", away.public)
                wait = LOOK_AGAIN_SECONDS
            stopped = asyncio.ensure_future(stop.wait())
            rung = asyncio.ensure_future(self._bell.wait(wait))
            await asyncio.wait((stopped, rung), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            rung.cancel()
        if self._working:
            await asyncio.wait(self._working.values())

    async def _take(self) -> float:
        """Begin at every lane that is due and finds a place; for how many seconds there is nothing more to begin."""
        now = self._clock.now()
        for job in await self._lanes.due(now, MOST_LOOKED_AT):
            if job.webhook in self._working:
                continue
            tenant = await self._tenants.of(job.server_id)
            place = self.places.enter(tenant, is_slow=job.is_slow)
            if place is not None:
                task = asyncio.create_task(self._turn(job, place))
                self._working[job.webhook] = task
        soonest = self._lanes.soonest()
        # What is due and found no place waits for one that becomes free, which rings.
        if soonest is None or soonest <= now:
            return LOOK_AGAIN_SECONDS
        return min(LOOK_AGAIN_SECONDS, max(SHORTEST_WAIT, soonest - now))

    async def _turn(self, job: LaneJob, place: LanePlace) -> None:
        try:
            await self._work.run(job, TURN_SECONDS, place)
        except MailError as away:
            LOG.warning("a lane is left for later: %s", away.public)
        except Exception:  # whatever it is, others have their turn, and its lease ends
            LOG.exception("a lane was left")
        finally:
            place.leave()
            del self._working[job.webhook]
            self._bell.ring()
