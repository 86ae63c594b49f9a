"""A process that works on jobs until none is open, or on this night's retention until that is done: `job_process jobs`
or `job_process retention` to the end, `job_process jobs 9` until it dies.

It sends itself SIGKILL a few milliseconds after it began its ninth call to the store, wherever it is then: in a
transaction, with a call under way, or between two. Pieces are small, leases and open claims short, and wake-ups of
what is erased are waited for no longer than a second, so that a job on a few messages has as many pieces as one on
many.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
from typing import Any

from chalicelib.services.jobs import pace

# Others take this over when they are imported.
pace.FIRST = pace.LEAST = 3
pace.LONGEST_STAND = 0.2

from chalicelib import bootstrap  # noqa: E402
from chalicelib.adapters.aws.dynamo import idempotency  # noqa: E402
from chalicelib.adapters.aws.dynamo.traces import DynamoTraces  # noqa: E402
from chalicelib.adapters.aws.session import AwsSession  # noqa: E402
from chalicelib.adapters.sqlite import limits  # noqa: E402
from chalicelib.adapters.sqlite.database import Database  # noqa: E402
from chalicelib.ports.clock import Clock  # noqa: E402
from chalicelib.ports.jobs import Jobs  # noqa: E402
from chalicelib.services.jobs import (  # noqa: E402
    export,
    exported_suppressions,
    import_suppressions,
    mail_found,
    on_messages,
    replay_webhooks,
    run,
)
from chalicelib.services.jobs.run import RunJobs  # noqa: E402
from chalicelib.services.retention.retain import Retain  # noqa: E402

LEASE_SECONDS = 1
SOON = 0.02
SMALL = 4
_made = 0
_what = sys.argv[1]
_left = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def small() -> None:
    """What is many elsewhere is few here."""
    run.LEASE_SECONDS = limits.CLAIM_OPEN_SECONDS = idempotency.CLAIM_OPEN_SECONDS = LEASE_SECONDS
    on_messages.SLICE = 3
    for module, name in (
        (mail_found, "SOME"),
        (mail_found, "MOST_LISTED"),
        (exported_suppressions, "PART"),
        (import_suppressions, "ROWS_AT_ONCE"),
        (replay_webhooks, "PAGE"),
    ):
        setattr(module, name, SMALL)
    export.SMALLEST_PART = 300
    DynamoTraces.wake_up_seconds = 1


def mortal(verb: Any) -> Any:
    """A method that counts its calls."""

    async def counted(*arguments: Any, **named: Any) -> Any:
        global _made  # noqa: PLW0603  # a process dies once
        _made += 1
        if _made == _left:
            seconds = random.random() * SOON
            threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return await verb(*arguments, **named)

    return counted


async def jobs() -> None:
    """Until none is open."""
    program = bootstrap.posthorn()
    while await program[Jobs].open(1):
        await program[RunJobs].run(5)
        await program[Clock].sleep(0.05)


async def retention() -> None:
    """Until the night's run is done with."""
    while await bootstrap.posthorn()[Retain].run(5):
        pass


small()
if _left:
    AwsSession.call = mortal(AwsSession.call)  # type: ignore[method-assign]
    Database.write = mortal(Database.write)  # type: ignore[method-assign]
bootstrap.run({one.__name__: one for one in (jobs, retention)}[_what]())
if _left:
    # Nothing of a timer that was just set is lost: whoever is to die dies.
    asyncio.run(asyncio.sleep(SOON * 4 if _made >= _left else 0))
print(_made)
