"""The AWS emulator's process: ministack with its clock under our control and its state saved while it runs.

`python -m infra.local.aws_main` with ministack's own interpreter. Promises that queue delays, visibility time-outs and
table lifetimes follow the controlled clock, and that after a kill at most the last seconds' state is missing (ministack
itself saves on a clean shutdown only). Does not configure ministack: its environment variables do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from infra.local.clock import LocalClock

SAVE_EVERY = 10.0
SAVE_SHARE = 0.02  # of the time may go into saving
Scope = dict[str, Any]
Application = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Any]

logger = logging.getLogger("posthorn.aws")


def follow_clock(path: Path) -> None:
    """Make `time.time` of this process tell the controlled time. Timers are not affected: they are monotonic."""
    clock = LocalClock(path)
    time.time = clock.now
    time.time_ns = lambda: int(clock.now() * 1_000_000_000)


def saving(application: Application, save: Callable[[], None], changed: list[bool]) -> Application:
    """The same application; notes in `changed` that a request came in and saves now and then while it runs."""
    started = False

    async def wrapped(scope: Scope, receive: Any, send: Any) -> None:
        nonlocal started
        if not started and scope["type"] == "http":
            started = True
            task = asyncio.create_task(_save_often(save, changed))
            tasks.add(task)
        changed[0] = True
        await application(scope, receive, send)

    tasks: set[asyncio.Task[None]] = set()
    return wrapped


async def _save_often(save: Callable[[], None], changed: list[bool]) -> None:
    pause = SAVE_EVERY
    while True:
        await asyncio.sleep(pause)
        if not changed[0]:
            continue
        changed[0] = False
        begun = time.monotonic()
        # In the loop's own thread: no request is half done, so the services' states fit each other.
        save()
        pause = max(SAVE_EVERY, (time.monotonic() - begun) / SAVE_SHARE)


def main() -> None:
    follow_clock(Path(os.environ["POSTHORN_CLOCK_FILE"]))
    from ministack import app as ministack

    def save() -> None:
        ministack.save_all(ministack._build_persistence_save_dict())

    ministack.app = saving(ministack.app, save, [False])
    ministack.main()


if __name__ == "__main__":
    main()
