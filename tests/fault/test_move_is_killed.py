"""An installation moved to AWS and back, each way killed with SIGKILL at random calls and run again, is the same object
by object, and what is out in the world still works.

`MOVE_MESSAGES` sets how many messages there are, `MOVE_KILLS` how many kills each way, `MOVE_SEED` which; with `-s` it
says what each way took without a kill and with them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.bootstrap import Posthorn, on_aws, run
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.authenticate import Authenticate
from tests.aws_backend import Backend
from tests.kept_mail import Host, opened
from tests.moved_mail import differences, everything, filled, highest

pytestmark = [
    pytest.mark.aws,
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.xdist_group("aws"),
]
MESSAGES = int(os.environ.get("MOVE_MESSAGES", "230"))
KILLS = int(os.environ.get("MOVE_KILLS", "5"))
SEED = os.environ.get("MOVE_SEED", "1")
# Of the calls of a run, those that each further run makes again before it is where the one before was.
AGAIN = 5


@dataclass
class Mover:
    """Runs the command on a state folder, with the names of a data plane."""

    settings: Settings
    arguments: tuple[str, ...]

    def run(self, folder: Path, calls: int = -1) -> dict[str, float] | None:
        """What the command tells of itself; None when it was killed after so many calls."""
        values = asdict(replace(self.settings, state_folder=str(folder)))
        environment = {f"POSTHORN_{name.upper()}": str(value) for name, value in values.items()}
        done = subprocess.run(
            [sys.executable, "-m", "tests.fault.moving_process", str(calls), *self.arguments],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == -9:
            return None
        assert done.returncode == 0, done.stderr
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return told

    def run_killed(self, folder: Path, calls: float) -> int:
        """Run it again and again, killed at random calls out of so many; how often it was."""
        chance = random.Random(f"{SEED} {self.arguments}")
        points = [0, *sorted(chance.randrange(int(calls)) for _ in range(KILLS))]
        for kills, (before, at) in enumerate(itertools.pairwise(points)):
            if self.run(folder, at - before + AGAIN * bool(kills)) is not None:
                return kills
        assert self.run(folder) is not None
        return KILLS


def test_it_is_moved_there_and_back(aws_backend: Backend, tmp_path: Path) -> None:
    settings, state = aws_backend.settings(), tmp_path / "from"
    host, mail = run(filled(state, MESSAGES))
    before = run(everything(host.posthorn, host))
    clean = tmp_path / "clean"
    shutil.copytree(state, clean)
    once = Mover(aws_backend.settings(), ("--to", "aws")).run(clean)
    _move(Mover(settings, ("--to", "aws")), state, once)
    there = on_aws(settings)
    assert differences(before, run(everything(there, host))) == []
    _goes_on(there, host, mail, before)
    with pytest.raises(PermanentFailure, match="was moved away, and nothing is served from there"):
        opened(state)[MessageStore]

    before = run(everything(there, host))  # with the use of the credential
    mover = Mover(settings, ("--from", "aws", "--stopped"))
    once = mover.run(tmp_path / "once")
    _move(mover, tmp_path / "back", once)
    for folder in (tmp_path / "once", tmp_path / "back"):
        again = opened(folder)
        assert differences(before, run(everything(again, host))) == []
        _goes_on(again, host, mail, before)
        assert again[EventFeed].read()[0] == []


def _move(mover: Mover, folder: Path, once: dict[str, float] | None) -> None:
    assert once is not None
    begun = time.monotonic()
    kills = mover.run_killed(folder, once["calls"])
    print(
        f"{' '.join(mover.arguments)}, {MESSAGES} messages: {once['calls']} calls to AWS in {once['seconds']} s;"
        f" killed {kills} times: {time.monotonic() - begun:.1f} s"
    )
    assert kills == KILLS


def _goes_on(
    program: Posthorn, host: Host, mail: dict[str, Message], before: dict[str, Any]
) -> None:
    """What is out in the world still works, and no number is given twice."""
    assert run(program[AddressMac].key()) == run(host.posthorn[AddressMac].key())
    server = host.server.id
    assert run(program[Engagement].link(server, mail["done"].id, 1)) == "https://a.test/"
    assert run(program[Engagement].link(server, mail["leased"].id, 1)) == "https://b.test/"
    (number,) = run(program[Numbers].take(host.server.id, "message", 1))
    assert number > highest(before)
    key = run(program[Authenticate].by_key(host.key, frozenset({CredentialKind.SMTP})))
    assert key.server.id == host.server.id
