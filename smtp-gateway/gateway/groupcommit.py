"""Group commit: messages that arrive together are made durable together, by one call of the store.

A session's `add` returns only after the store has returned for the batch that holds its message, and raises
TemporaryFailure if the store did not. An idle committer stores the next message in the same turn of the loop, so that a
quiet server adds no delay; just after a commit it waits two milliseconds for company; while a commit runs, new messages
gather until it ends, the time is up or the batch is full. Nothing is retried here, and a client that goes away does not
stop the commit its message is in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.services.outgoing.store import Storable

GATHER_SECONDS = 0.002
"""How long a busy committer waits for company: while messages follow each other faster than this, batches pay."""

RECIPIENT_BYTES = 12 * 1024
"""What a recipient takes at most while its message is stored: the record, the wake-up, and both as they are sent."""

Store = Callable[[Sequence[Storable]], Awaitable[None]]
_UNKNOWN = "Cannot store the message now, try again later"


class GroupCommit:
    """Collects prepared messages and stores them in batches.

    `wait` seconds, `messages` and `size` bytes bound one batch; at most `in_flight` commits run at a time.
    `report` is told of faults that are no MailError. `held` is the memory that messages take until their commit has
    ended, in bytes, also of those whose clients have gone.
    """

    def __init__(
        self,
        store: Store,
        report: Callable[[Exception], None],
        *,
        wait: float = 0.02,
        messages: int = 64,
        size: int = 8 * 1024 * 1024,
        in_flight: int = 16,
    ) -> None:
        self.held = 0
        self._store = store
        self._report = report
        self._wait = wait
        self._most_messages = messages
        self._most_bytes = size
        self._most_commits = in_flight
        self._batch: list[Storable] = []
        self._waiters: list[asyncio.Future[MailError | None]] = []
        self._bytes = 0
        self._wake: asyncio.Handle | None = None
        self._overdue = False
        self._last_end = float("-inf")
        self._commits: set[asyncio.Task[None]] = set()

    async def add(self, *parts: Storable) -> None:
        """Wait until all parts of a message are durable, which are stored together; TemporaryFailure if one may not
        be."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[MailError | None] = loop.create_future()
        self._batch += parts
        self._waiters.append(waiter)
        self._bytes += sum(len(part.body) for part in parts)
        self.held += sum(map(_weight, parts))
        if self._is_full():
            self._start()
        elif self._wake is None:
            self._wake = self._schedule(loop)
        failure = await waiter
        if failure is not None:
            reply = failure.reply if isinstance(failure, TemporaryFailure) else None
            raise TemporaryFailure(failure.public, reply=reply) from failure

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> asyncio.Handle:
        if self._commits:
            return loop.call_later(self._wait, self._time_is_up)
        if loop.time() - self._last_end < GATHER_SECONDS:
            return loop.call_later(min(GATHER_SECONDS, self._wait), self._start)
        return loop.call_soon(self._start)

    async def drain(self) -> None:
        """Wait until everything that was added has been stored or refused."""
        while self._batch or self._commits:
            if self._batch:
                self._overdue = True
                self._start()
            if self._commits:
                await asyncio.wait(set(self._commits))

    def _is_full(self) -> bool:
        return len(self._batch) >= self._most_messages or self._bytes >= self._most_bytes

    def _time_is_up(self) -> None:
        self._overdue = True
        self._start()

    def _start(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if not self._batch or len(self._commits) >= self._most_commits:
            return
        batch, waiters = self._batch, self._waiters
        self._batch, self._waiters, self._bytes, self._overdue = [], [], 0, False
        commit = asyncio.get_running_loop().create_task(self._commit(batch, waiters))
        self._commits.add(commit)
        commit.add_done_callback(self._ended)

    def _ended(self, commit: asyncio.Task[None]) -> None:
        self._commits.discard(commit)
        self._last_end = asyncio.get_running_loop().time()
        if self._batch and (not self._commits or self._overdue or self._is_full()):
            self._start()

    async def _commit(
        self, batch: list[Storable], waiters: list[asyncio.Future[MailError | None]]
    ) -> None:
        failure: MailError | None = TemporaryFailure(_UNKNOWN)  # until the store has returned
        try:
            await self._store(batch)
            failure = None
        except MailError as error:
            failure = error
        except (
            Exception
        ) as error:  # a fault in a store must cost this batch a 451, not hang its clients
            self._report(error)
        finally:
            self.held -= sum(map(_weight, batch))
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(failure)


def _weight(prepared: Storable) -> int:
    return len(prepared.body) + prepared.recipients * RECIPIENT_BYTES
