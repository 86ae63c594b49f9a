"""The AWS emulator's process: ministack behind a guard, its clock under our control, its state saved while it runs.

`python -m infra.local.aws_main` with ministack's own interpreter. Promises that queue delays, visibility time-outs,
table lifetimes and the dates of objects follow the controlled clock, that only those call it whom infra/local/guard.py
lets pass, and that after a kill at most the last seconds' state is missing (ministack itself saves on a clean shutdown
only). SIGUSR1 says that the set-up is complete: state is saved then, and from then on; what an emulator leaves that
never got so far is thrown away by the next. Its environment variables configure ministack.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.clock import LocalClock
from infra.local.folder import Keys, read_keys
from infra.local.guard import Guard, GuardedAsgi

SAVE_EVERY = 10.0
SAVE_SHARE = 0.02  # of the time may go into saving
COMPLETE = "complete"  # in the state folder: what is saved there is a whole installation
SCRATCH = "tmp"
STREAM_POSITIONS = "dynamodb_stream_positions"
Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


def follow_clock(path: Path) -> None:
    """Make `time.time` of this process tell the controlled time. Timers are not affected: they are monotonic."""
    clock = LocalClock(path)
    time.time = clock.now
    time.time_ns = lambda: int(clock.now() * 1_000_000_000)


def date_objects() -> None:
    """Let the bucket's objects be written at the controlled time, too: ministack asks `datetime` for theirs."""
    from ministack.services import s3

    def now_iso() -> str:
        moment = datetime.fromtimestamp(time.time(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    s3.now_iso = now_iso


def drop_incomplete(folder: Path) -> None:
    """Throw away what an emulator left that ended before its set-up was complete."""
    if (folder / COMPLETE).exists():
        return
    for path in folder.iterdir():
        if path.is_dir() and path.name != SCRATCH:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def forget_stream_positions() -> None:
    """Make saved state hold no position in a table's stream: ministack does not save the records, and a position beyond
    those of the next run would skip that many of them."""
    from ministack.services import lambda_svc

    whole = lambda_svc.get_state

    def get_state() -> Any:
        return {name: held for name, held in whole().items() if name != STREAM_POSITIONS}

    lambda_svc.get_state = get_state


def honor_first_type() -> None:
    """Make its API Gateway hand bytes out by the first type of Accept, as AWS does; ministack compares all of it."""
    from ministack.services import apigateway_v1

    whole = apigateway_v1._media_type_matches

    def matches(accepted: str | None, binary: list[str] | None) -> bool:
        return bool(whole((accepted or "").partition(",")[0], binary))

    apigateway_v1._media_type_matches = matches


def give_functions(keys: Keys) -> None:
    """Make the emulator's Lambdas sign with the stack's keys; ministack would give them the account's number."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    def credentials(_config: Any) -> dict[str, str]:
        return {**keys.variables, "AWS_SESSION_TOKEN": ""}

    lambda_runtime.execution_credentials = credentials
    lambda_svc.execution_credentials = credentials


class Saving:
    """The emulator's application, which saves its state on SIGUSR1 and, after that, every few seconds."""

    def __init__(self, application: Application, save: Callable[[], None], folder: Path) -> None:
        self._application = application
        self._save = save
        self._marker = folder / COMPLETE
        self._changed = False
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, self._be_complete)
            if self._marker.exists():
                self._be_complete()
        self._changed = True
        await self._application(scope, receive, send)

    def _be_complete(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._save_often())

    async def _save_often(self) -> None:
        pause = 0.0 if not self._marker.exists() else SAVE_EVERY
        while True:
            await asyncio.sleep(pause)
            if not self._changed:
                continue
            self._changed = False
            begun = time.monotonic()
            # In the loop's own thread: no request is half done, so the services' states fit each other.
            self._save()
            self._marker.touch()
            pause = max(SAVE_EVERY, (time.monotonic() - begun) / SAVE_SHARE)


def main() -> None:
    folder = Path(os.environ["STATE_DIR"])
    drop_incomplete(folder)
    follow_clock(Path(os.environ["POSTHORN_CLOCK_FILE"]))
    from ministack import app as ministack

    forget_stream_positions()
    date_objects()
    honor_first_type()

    def save() -> None:
        ministack.save_all(ministack._build_persistence_save_dict())

    keys = read_keys(Path(os.environ["POSTHORN_STATE"]))
    give_functions(keys)
    ministack.app = GuardedAsgi(Saving(ministack.app, save, folder), Guard(keys))
    ministack.main()


if __name__ == "__main__":
    main()
