"""A state folder that an older commit wrote, with the schema of that time, is opened by this code with mail waiting."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.bodies import Bodies
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.inspection import message_faults, row_faults
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA
from chalicelib.adapters.sqlite.older_schema import read_as_newest
from chalicelib.adapters.sqlite.snapshot import opened_to_read, schema_of
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import run
from chalicelib.config import Settings
from chalicelib.domain.model import State, Status
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.rand import Rand
from chalicelib.services.queue.sweep import Sweep
from onehost.storage.backup import back_up
from onehost.storage.check import faults
from onehost.storage.progress import Progress
from onehost.storage.restore import Wishes, restore
from tests.upgrade import kept, story
from tests.upgrade.conftest import opened_scene
from tests.upgrade.hands import OneHostHands
from tests.worlds import Scene

WRITTEN = kept.ROOT / "tests" / "data" / "written-by"
# The commit, and the schema of mail.db that it knew.
STAGES = {"2ef2c93": 4, "4f4e618": 5}
HOUR = 3_600
QUIET = Progress(lambda _: None)


@dataclass
class Older:
    """The folder, opened, and the tokens of its messages by what they were."""

    state: Path
    scene: Scene
    mail: dict[str, str]

    def found(self) -> dict[str, Any]:
        """The records by token."""
        return {one.message.token: one for one in run(story.all_records(self.scene))}


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    """Each commit."""
    return str(request.param)


@pytest.fixture
def older(stage: str, tmp_path: Path) -> Older:
    """A folder of each stage, by this code."""
    folder, state = WRITTEN / stage, tmp_path / "state"
    kept.unpack_state(folder / "state.tar.xz", state)
    with opened_to_read(state / "mail.db") as db:
        assert schema_of(db) == STAGES[stage]
    facts = kept.read_json(folder / "facts.json")
    settings = Settings(state_folder=str(state))
    program = story.a_program(settings, "sqlite", facts["now"], {Rand: SystemRand()})
    return Older(state, opened_scene(program, facts["smtp_key"]), facts["mail"])


def test_it_is_brought_up_and_sound(older: Older) -> None:
    assert older.found()
    with opened_to_read(older.state / "mail.db") as db:
        assert schema_of(db) == len(MAIL_SCHEMA)
    assert list(faults(older.state, QUIET, full=True)) == []


def test_a_look_before_the_upgrade_finds_it_sound_and_leaves_it(tmp_path: Path, stage: str) -> None:
    state = tmp_path / "state"
    kept.unpack_state(WRITTEN / stage / "state.tar.xz", state)
    assert list(faults(state, QUIET, full=True)) == []
    with opened_to_read(state / "mail.db") as db:
        assert schema_of(db) == STAGES[stage]
    segment = next(state.glob("bodies/*/*.seg"))
    content = bytearray(segment.read_bytes())
    content[-3] ^= 1
    segment.write_bytes(content)
    assert list(faults(state, QUIET)) != []


def test_what_waited_is_delivered_once_and_the_rest_stays(older: Older) -> None:
    hands, before = OneHostHands(older.scene.posthorn), older.found()
    waiting = {token for token, one in before.items() if one.state in (State.WAITING, State.LEASED)}
    waiting.discard(older.mail["scheduled"])
    assert {older.mail["waiting"], older.mail["leased"]} < waiting
    for _ in range(6):
        hands.work()
        run(older.scene.posthorn[Sweep].run())
        older.scene.clock.advance(HOUR / 4)
    got = [story.token_of(one) for one in older.scene.egress.received]
    assert sorted(got) == sorted(waiting)
    after = older.found()
    assert {after[token].status for token in waiting} == {Status.SENT}
    for name in ("done", "held", "scheduled"):
        assert after[older.mail[name]] == before[older.mail[name]], name


def test_links_and_jobs_are_what_they_were(older: Older) -> None:
    program, server = older.scene.posthorn, older.scene.server.id
    done = older.found()[older.mail["done"]].message.id
    assert run(program[Engagement].link(server, done, 1)) == "https://a.test/"
    (hit,) = run(program[Engagement].hits(server, done))
    assert hit.url == "https://a.test/"
    (job,) = run(program[Jobs].page(server, 10, older.scene.clock.now())).values
    assert (job.id, job.is_open) == ("jba", True)


def test_a_backup_of_then_is_restored_now(tmp_path: Path, stage: str) -> None:
    state, saved, other = tmp_path / "state", tmp_path / "saved", tmp_path / "other"
    kept.unpack_state(WRITTEN / stage / "state.tar.xz", state)
    now = kept.read_json(WRITTEN / stage / "facts.json")["now"]
    back_up(state, saved, ControlledClock(now), QUIET)
    with opened_to_read(next(saved.glob("mail-*.db"))) as db:
        assert schema_of(db) == STAGES[stage]  # as the release of that time has made it
    other.mkdir(mode=0o700)
    shutil.copy(state / "key", other / "key")
    restored = restore(saved, other, Wishes(), now, QUIET)
    assert restored.held
    assert restored.missing == ()
    assert list(faults(other, QUIET, full=True)) == []


@pytest.mark.parametrize("version", range(1, len(MAIL_SCHEMA)))
def test_every_schema_is_read_as_the_newest(tmp_path: Path, version: int) -> None:
    db = apsw.Connection(str(tmp_path / "mail.db"))
    for statements in MAIL_SCHEMA[:version]:
        fetched(db, statements)
    fetched(db, f"PRAGMA user_version={version}")
    db.close()
    with opened_to_read(tmp_path / "mail.db") as older, Bodies(tmp_path) as bodies:
        read_as_newest(older, MAIL_SCHEMA)
        assert list(row_faults(older, int)) == []
        assert list(message_faults(older, bodies, int)) == []
        assert schema_of(older) == version
