"""A process that tells search.db and forgets is killed at any moment: what it was told is found, and what was forgotten
is gone, words and all, once another has tidied."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.folder import SEARCH
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.parse import parse_query
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 12
# Says each number once it is told, and of every third that it is forgotten.
PLAY = """
import asyncio, hashlib, sys
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.findables import findable

async def play(state, start):
    index = Posthorn(Settings(state_folder=state), "sqlite")[SqliteMailIndex]
    for number in range(start, start + 100_000):
        word = hashlib.sha256(str(number).encode()).hexdigest()
        await index.put([findable(message=number, subject=f"{word} kept")])
        print("told", number, flush=True)
        if number % 3 == 0:
            await index.forget(1, [number], words_later=number % 2 == 0)
            print("forgotten", number, flush=True)

asyncio.run(play(sys.argv[1], int(sys.argv[2])))
"""


def killed(state: Path, start: int, seconds: float) -> list[tuple[str, int]]:
    """What a process said before it was killed so long after its first word."""
    arguments = [sys.executable, "-c", PLAY, str(state), str(start)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return [
        (verb, int(number))
        for line in said
        if line.endswith("\n")
        for verb, number in [line.split()]
    ]


async def found(state: Path) -> set[int]:
    """Every message that is found by the word that all have, after tidying."""
    index = Posthorn(Settings(state_folder=str(state)), "sqlite")[SqliteMailIndex]
    await index.tidy(PATIENCE)
    page = await index.find(ServerId(1), None, parse_query("kept", 0.0), 1_000_000)
    return {int(one) for one in page.messages}


def _end_of_word(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).hexdigest()[-24:].encode()


@pytest.mark.timeout(240)
def test_what_was_told_is_found_and_what_was_forgotten_is_gone(tmp_path: Path) -> None:
    state, dice = tmp_path / "state", random.Random()
    told: set[int] = set()
    forgotten: set[int] = set()
    for round_ in range(ROUNDS):
        said = killed(state, 1 + round_ * 100_000, dice.random() / 2)
        told |= {number for verb, number in said if verb == "told"}
        forgotten |= {number for verb, number in said if verb == "forgotten"}
    there = asyncio.run(found(state))

    # Those that it was about to forget may be there or not.
    sure = {number for number in told if number % 3}
    assert sure <= there
    assert not there & forgotten
    content = b"".join(path.read_bytes() for path in state.glob(f"{SEARCH}*"))
    # The beginning of a word may lie with its neighbour's.
    assert [number for number in forgotten if _end_of_word(number) in content] == []
    assert any(_end_of_word(number) in content for number in sure)
    assert len(told) > ROUNDS
    assert forgotten
