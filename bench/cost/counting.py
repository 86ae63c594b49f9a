"""What counting costs when the changes are gathered as AWS gathers them: a part of `make cost`.

The emulator hands the records of a stream over as they come, a few at a time, and so makes the function write far more
often than on AWS. Here, in its place, the same function is called with the records in batches as its event source is
told to gather them, and its log lines and times are taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bench.changes import Changes, Record
from bench.cost.billing import Used
from chalicelib.config import read_settings
from functions.outbox import GATHER_SECONDS, MOST_RECORDS
from infra.local.plan import DUMMY_CREDENTIALS, LOCAL_DEFAULTS, NO_OTHER_CREDENTIALS
from infra.templates import load

FUNCTION = "Outbox"


class Counting:
    """Plays the stream of an installation's mail table to the outbox function, here in this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        os.environ.update(
            LOCAL_DEFAULTS | NO_OTHER_CREDENTIALS | DUMMY_CREDENTIALS | dict(environment)
        )
        self._changes = Changes(read_settings(os.environ).mail_table)
        properties = load("functions.merge.yaml")["Resources"][FUNCTION]["Properties"]
        self._megabytes: int = properties["MemorySize"]

    def skip(self) -> None:
        """Leave out what has changed so far."""
        self._changes.take()

    def add_to(self, used: Used) -> None:
        """Count what has changed since the last time, and add what that takes."""
        for batch in gathered(self._changes.take()):
            started = time.perf_counter()
            answer, lines = self._changes.hand_over_batch(batch)
            milliseconds = (time.perf_counter() - started) * 1000
            if answer["batchItemFailures"]:
                raise RuntimeError("the outbox function could not count a batch")
            for line in lines:
                used.add_line(line, FUNCTION)
            used.add_invocation(FUNCTION, milliseconds, self._megabytes)


def gathered(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records in batches, each of at most MOST_RECORDS and GATHER_SECONDS."""
    batch: list[Record] = []
    for record in records:
        if batch and (len(batch) == MOST_RECORDS or _at(record) - _at(batch[0]) >= GATHER_SECONDS):
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch


def _at(record: Record) -> float:
    at = record["dynamodb"]["ApproximateCreationDateTime"]
    return at.timestamp() if isinstance(at, datetime) else float(at)
