"""Processes that forget what is old are killed with SIGKILL at random moments, also in the midst of writing anew what
is still needed of a place; another ends the night's run.

Then every content that a message needs is what it was, nothing of the others is stored, and nothing lies where no
message has it.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import MessageRecord, State
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.old_mail import OldMail
from tests.contract.test_retention import SIZE, Mail
from tests.fault.stage import KILLED, Stage
from tests.patience import PATIENCE

DAYS_AGO = (40, 36, 36, 33)
KEPT, GONE = State.HELD, State.DONE
# In the place of its request the first body stays, and less than half of it is of use.
STATES = (KEPT, GONE, GONE, GONE, GONE)
MOST_KILLS = 6
CALLS_OF_A_KILL = 9


class OnStage:
    """The stage's server, and the ports of its program."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.server = stage.server.id

    def __getitem__(self, port: type[Any]) -> Any:
        return self._stage.program[port]


def do(work: Awaitable[Any]) -> Any:
    async def all_of_it() -> Any:
        return await work

    return bootstrap.run(all_of_it())


def run(stage: Stage, *calls: int) -> int:
    """A process that works on this night's run; how it ended."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fault.job_process", "retention", *map(str, calls)],
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    code = KILLED if ended.returncode == -9 else ended.returncode
    assert code in ({0, KILLED} if calls else {0}), ended.stderr[-3000:]
    return code


def stored(stage: Stage, records: list[MessageRecord]) -> tuple[set[str], bytes]:
    """The places of contents that there are, and all that lies in them."""
    settings = stage.program.settings
    if settings.state_folder:
        files = [
            one for one in (Path(settings.state_folder) / "bodies").rglob("*") if one.is_file()
        ]
        # A segment holds what several messages have, and is not theirs alone.
        return {one.message.blob.key for one in records}, b"".join(map(Path.read_bytes, files))
    client = stage.program[AwsSession].client("s3")
    listed = client.list_objects_v2(Bucket=settings.bucket, Prefix=f"r/{stage.server.id}/")
    keys = {one["Key"] for one in listed.get("Contents", ())}
    contents = (client.get_object(Bucket=settings.bucket, Key=one)["Body"].read() for one in keys)
    return keys, b"".join(contents)


@pytest.mark.parametrize("round_", range(2))
def test_what_is_needed_stays_and_nothing_else(stage: Stage, round_: int) -> None:
    seed = random.Random().randrange(10_000)
    print(f"chance {seed}")
    chance = random.Random(seed)
    mail, now = Mail(OnStage(stage)), stage.program[Clock].now()  # type: ignore[arg-type]
    for days in DAYS_AGO:
        do(mail.request(now - days * DAY, *STATES, packed=True))
    kills = 0
    for number in range(MOST_KILLS):
        kills += run(stage, chance.randrange(1, CALLS_OF_A_KILL * (number + 1))) == KILLED
    run(stage)
    assert kills >= 1

    records: list[MessageRecord] = do(
        stage.program[OldMail].oldest(stage.server.id, 0, len(DAYS_AGO) * len(STATES))
    )
    assert len(records) == len(DAYS_AGO) * len(STATES)
    kept = [one for one in records if one.state is KEPT]
    contents = {do(stage.program[BlobStore].get(one.message.blob)) for one in kept}
    assert contents == {b"A" * SIZE}
    places, lies = stored(stage, kept)
    assert places == {one.message.blob.key for one in kept}
    assert [letter for letter in b"BCDE" if bytes([letter]) * SIZE in lies] == []
    counted = do(stage.program[Contents].counted(stage.server.id))
    assert counted == len(DAYS_AGO) * SIZE
