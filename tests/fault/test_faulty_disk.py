"""Each write and each flush of a play of mail fails in turn, once or from then on: whoever waited is told the truth.

What was acknowledged is kept whole, what was refused is not there at all, and the store goes on once the disk is well.
After a failed flush nobody knows what is on the disk, so the process ends without an answer.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fault.disk_play import a_body
from tests.fault.durable import Held, held
from tests.fault.faulty_disk import BROKEN, FULL, SHORT, TORN, UNFLUSHED

AFTERWARDS = ("store", 99)
ENDED_BY_ITSELF = 1
REFUSALS = {FULL: "OutOfSpace", TORN: "OutOfSpace", BROKEN: "TemporaryFailure"}
# Once is enough where SQLite or a loop goes on, and where the process ends.
PLAYS = [(FULL, True), *((kind, False) for kind in (FULL, TORN, BROKEN, SHORT, UNFLUSHED))]


@pytest.mark.parametrize(("kind", "lasting"), PLAYS)
def test_whatever_fails_nobody_is_told_what_is_not_so(
    tmp_path: Path, kind: str, lasting: bool
) -> None:
    struck = refused = 0
    for found in plays(tmp_path, kind, lasting=lasting):
        told = {(what, number): answer for what, number, answer in found["told"]}
        refusals = {deed for deed, answer in told.items() if answer != "ok"}
        file = found["ended"][3] if found["ended"] else "flush"
        where = f"{kind} {found['at']} {file}: {told}"
        struck += bool(file)
        if kind == UNFLUSHED and file:
            assert (found["code"], refusals) == (ENDED_BY_ITSELF, set()), where
        else:
            assert found["code"] == 0, where
            assert told[AFTERWARDS] == "ok", where
        assert {told[deed] for deed in refusals} <= {REFUSALS.get(kind)}, where
        # One that waited alone; what waited together is tried again one by one.
        assert lasting or len(refusals) <= 1, where
        refused += len(refusals)
        # The VFS of the tests, unlike SQLite's own, lets a commit report that the checkpoint after it failed.
        check(told, held(Path(found["folder"])), where, was_committed=file == "mail.db")
    print(f"{kind}{' from then on' * lasting}: {struck} failures, {refused} refusals")
    assert struck > 5
    assert bool(refused) == (kind in REFUSALS)


def check(
    told: dict[tuple[str, int], str], found: dict[int, Held], where: str, *, was_committed: bool
) -> None:
    """What was told is so."""
    for (what, number), answer in told.items():
        here = found.get(number)
        if answer == "ok":
            assert here is not None, where
            assert here.body == a_body(number), where
            states = {"store": "WLD", "claim": "LD", "finish": "D"}[what]
            assert here.state in states, where
            assert here.deliveries == (here.state == "D"), where
        elif not was_committed:
            there = {"store": here is not None, "claim": here and here.state != "W"}
            assert not there.get(what, here is None or here.state == "D"), where


def plays(place: Path, kind: str, *, lasting: bool) -> Iterator[dict[str, Any]]:
    """One after the other, each with its state folder as long as it is looked at."""
    command = [sys.executable, "-m", "tests.fault.disk_play", str(place), kind]
    process = subprocess.Popen(
        [*command, *(["lasting"] if lasting else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, contextlib.ExitStack() as ended:
        ended.callback(process.kill)
        for line in process.stdout:
            yield json.loads(line)
            process.stdin.write("\n")
            process.stdin.flush()
