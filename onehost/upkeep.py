"""What one of the processes does beside mail: waking what is due, telling the outbox, burying the dead, expiring,
looking after searches, and each hour the steps of `functions.upkeep`.

Each is a loop of its own with a pause between its turns, by the program's clock: when that is moved, every turn is due.
A turn that fails is logged and comes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.expiry import ROWS, Expiry
from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.processes import Processes
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.adapters.sqlite.uploads import Uploads
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.events.outbox import Outbox
from functions.deadletters import hold
from functions.jobs import work_on_jobs
from functions.queue_batch import Invocation, QueueRecord
from functions.runtime import Notes, UnitOfWork
from functions.sweep import wake_due
from functions.upkeep import keep_up

LOG = logging.getLogger("posthorn.upkeep")
# A look costs one read of an index; a minute would be the delay of whatever is due in the middle of it.
SWEEP_SECONDS = 1.0
UPKEEP_SECONDS = 3_600.0
TICK_SECONDS = 0.5
FEED_SECONDS = 1.0
EXPIRY_SECONDS = 60.0
CHECK_SECONDS = 60.0
JOBS_SECONDS = 1.0
JOBS_AT_ONCE_SECONDS = 10.0
DEAD_LETTER_SECONDS = 60.0
LEFT_SECONDS = 480
BURIAL_SECONDS = 2.0
TIDY_SECONDS = 5.0
TIDIED_AT_ONCE_SECONDS = 2.0
HANDLER_SECONDS = 60.0


class Upkeep:
    """The loops of the first process."""

    def __init__(self, posthorn: Posthorn) -> None:
        self._posthorn = posthorn
        self._clock = posthorn[Clock]
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        self._stop = stop
        loops = (
            (self.sweep, SWEEP_SECONDS),
            (self.feed, FEED_SECONDS),
            (self.bury, BURIAL_SECONDS),
            (self.dead_letters, DEAD_LETTER_SECONDS),
            (self.expire, EXPIRY_SECONDS),
            (self.each_hour, UPKEEP_SECONDS),
            (self.check, CHECK_SECONDS),
            (self.jobs, JOBS_SECONDS),
            (self.tidy, TIDY_SECONDS),
        )
        async with asyncio.TaskGroup() as group:
            for turn, seconds in loops:
                group.create_task(self._again_and_again(turn, seconds, stop))

    async def sweep(self) -> None:
        """Wake what is due, if anything is."""
        now = self._clock.now()
        due = await self._posthorn[MessageStore].due(int(now), 1)
        if not due and not await self._posthorn[LimitLines].due(now, 1):
            return
        notes: Notes = {}
        with UnitOfWork("sweep", "", notes, swallow=True):
            await wake_due(self._posthorn, notes)
        self._posthorn[Bell].ring()

    async def feed(self) -> None:
        """Tell the outbox what is new in the log, all there is."""
        feed = self._posthorn[EventFeed]
        while True:
            changes, position = feed.read()
            if position == feed.position():
                return
            await self._posthorn[Outbox].run(SOURCE, changes)
            await feed.move(position)

    async def bury(self) -> None:
        """Give back what processes had that died."""
        if given_back := await self._posthorn[Processes].bury(self._clock.now()):
            LOG.warning("a process died", extra={"fields": {"given_back": given_back}})
            self._posthorn[Bell].ring()

    async def dead_letters(self) -> None:
        """Hold the messages of jobs that nobody could finish. A letter that is left comes again later."""
        queue = self._posthorn[SqliteWorkQueue]
        while letters := await queue.dead():
            records = tuple(
                QueueRecord(one.receipt, one.receipt, one.job, one.receive_count) for one in letters
            )
            batch = Invocation(records, lambda: HANDLER_SECONDS)
            with UnitOfWork("deadletters", letters[0].receipt, batch.notes):
                left = set(await hold(self._posthorn, batch))
            await queue.delete([one.receipt for one in letters if one.receipt not in left])
            for receipt in left:
                await queue.extend_visibility("", receipt, LEFT_SECONDS)

    async def expire(self) -> None:
        """Remove what is over, and give its space back."""
        expiry = self._posthorn[Expiry]
        while await expiry.step(self._clock.now()) >= ROWS:
            await asyncio.sleep(0)
        await expiry.give_back_space()
        now = self._clock.now()
        await asyncio.to_thread(self._posthorn[Uploads].remove_old, now)

    async def each_hour(self) -> None:
        """The steps of the hour. They may take minutes, and may end anywhere: a stop does not wait for them."""
        hour = asyncio.ensure_future(self._hour())
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((hour, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hour.cancel()
            stopped.cancel()
            await asyncio.gather(hour, stopped, return_exceptions=True)

    async def _hour(self) -> None:
        notes: Notes = {}
        with UnitOfWork("upkeep", "", notes, swallow=True, program=self._posthorn):
            await keep_up(self._posthorn, notes)

    async def check(self) -> None:
        """Look at the installation itself."""
        await self._posthorn[CheckInstallation].run()

    async def tidy(self) -> None:
        """Have search.db lose what it was to forget, and get what it lacks."""
        await self._posthorn[SqliteMailIndex].tidy(TIDIED_AT_ONCE_SECONDS)

    async def jobs(self) -> None:
        """Work on jobs for a while, if there are any."""
        if not await self._posthorn[Jobs].open(1):
            return
        notes: Notes = {}
        with UnitOfWork("jobs", "", notes, swallow=True, program=self._posthorn):
            await work_on_jobs(self._posthorn, notes, JOBS_AT_ONCE_SECONDS, self._stop.is_set)

    async def _again_and_again(
        self, turn: Callable[[], Awaitable[None]], seconds: float, stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            begun = self._clock.now()
            try:
                await turn()
            except MailError as failure:
                LOG.error("%s failed: %s", turn.__name__, failure.public)
            except Exception:  # whatever it is, mail goes on and the turn comes again
                LOG.exception("%s failed", turn.__name__)
            while not stop.is_set() and 0 <= self._clock.now() - begun < seconds:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), min(seconds, TICK_SECONDS))
