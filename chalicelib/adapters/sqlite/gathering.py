"""Operations that wait for a transaction, from the loops on which they are asked for to the thread that runs them.

A transaction costs as much as storing ten messages in it. So it begins when a turn of the loop brought no further
operation, as nobody shall wait while there is nothing else to do; while each turn brings some, when ENOUGH_TOGETHER
wait, or GATHER_SECONDS after the one before. PAUSE_SECONDS lie between the beginnings of two, in which what the first
one brought about asks for the next.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

import apsw

T = TypeVar("T")
Operation = Callable[[apsw.Connection], T]
Ended = Callable[[bool], None]
"""Told on the loop whether an operation is durable, also when nobody waits for it any more."""
Answer = tuple[Any, BaseException | None]
LOG = logging.getLogger("posthorn.sqlite")

MOST_TOGETHER = 512
ENOUGH_TOGETHER = 64
GATHER_SECONDS = 0.02
LEAST_GATHER_SECONDS = 0.002
PAUSE_SECONDS = 0.006


@dataclass(slots=True)
class Waiting:
    """An operation, and who waits for it."""

    operation: Operation[Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    ended: Ended | None

    def told(self, value: Any, error: BaseException | None) -> None:
        """Give the value, or raise the error, where it was asked."""
        if self.ended is not None:
            self.ended(error is None)
        if self.answer.cancelled():
            return
        if error is None:
            self.answer.set_result(value)
        else:
            self.answer.set_exception(error)


class Gathering:
    """The operations of one database. Any number of loops add to it, one thread takes from it."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Waiting] = SimpleQueue()
        self._complete = threading.Event()
        self._added = 0
        self._watched: asyncio.AbstractEventLoop | None = None
        self._began = 0.0

    def __len__(self) -> int:
        return self._waiting.qsize()

    async def add(self, operation: Operation[T], ended: Ended | None) -> T:
        """What the operation returns in its transaction, or raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._added += 1
        self._waiting.put(Waiting(operation, loop, answer, ended))
        if len(self) >= ENOUGH_TOGETHER:
            self._complete.set()
        elif self._watched is not loop:
            self._watched = loop
            # What is still to run of this turn comes before that, and a whole turn after it.
            loop.call_soon(self._watch, loop, 0)
        return await answer

    def _watch(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """A turn of the loop is over: have the transaction begin if there came nothing in it."""
        if self._added != before:
            loop.call_soon(self._watch, loop, self._added)
            return
        self._watched = None
        self._complete.set()

    def take(self) -> list[Waiting]:
        """The operations of the next transaction, once it shall begin."""
        batch = [self._waiting.get()]
        left = self._began + GATHER_SECONDS - time.monotonic()
        self._complete.wait(max(LEAST_GATHER_SECONDS, left))
        time.sleep(max(0.0, self._began + PAUSE_SECONDS - time.monotonic()))
        self._complete.clear()
        self._began = time.monotonic()
        while len(batch) < MOST_TOGETHER and not self._waiting.empty():
            batch.append(self._waiting.get())
        if len(batch) == MOST_TOGETHER:
            self._complete.set()  # others were left, which nobody might ask for again
        return batch


def answer(batch: Sequence[Waiting], answers: Sequence[Answer]) -> None:
    """Tell everybody, each on the loop on which it waits."""
    for loop in {one.loop for one in batch}:
        theirs = [pair for pair in zip(batch, answers, strict=True) if pair[0].loop is loop]
        try:
            loop.call_soon_threadsafe(_tell, theirs)
        except RuntimeError:
            LOG.warning("nobody waits any more", extra={"fields": {"writes": len(theirs)}})


def _tell(pairs: Sequence[tuple[Waiting, Answer]]) -> None:
    for waiting, (value, error) in pairs:
        waiting.told(value, error)
