"""Of owners of the configuration only those are remembered that somebody asks for: not each session that ever was."""

from __future__ import annotations

from pathlib import Path

from chalicelib.adapters.sqlite.control import REMEMBERED, ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.nouns import NOUNS
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Sessions
from tests.people import HERE, a_person


def opened(folder: Path) -> Posthorn:
    return Posthorn(Settings(state_folder=str(folder)), "sqlite")


def owners(program: Posthorn) -> list[tuple[str, str]]:
    rows = program[ControlDatabase].read(lambda db: fetched(db, "SELECT kind, owner FROM owners"))
    return [(kind, owner) for kind, owner in rows]


def test_what_is_remembered_is_what_is_asked_for() -> None:
    of_every_engine = {one.word for one in NOUNS if one.owners}
    assert set(REMEMBERED) == of_every_engine | {TRACK_DOMAINS.word}


async def test_a_session_leaves_nothing(tmp_path: Path) -> None:
    program = opened(tmp_path)
    user = await a_person(program)
    _, _token = await program[Sessions].open(user, HERE)
    await program[Sessions].end_all(user.id)
    assert owners(program) == []


async def test_what_older_releases_remembered_goes_when_it_is_opened(tmp_path: Path) -> None:
    program = opened(tmp_path)
    await program[Repository].add(SOURCES, EgressSource("one", pool="bulk"))
    older = [("session", f"s{number}") for number in range(50)]
    await program[ControlDatabase].write(
        lambda db: db.executemany("INSERT INTO owners VALUES (?, ?)", older).fetchall()
    )
    assert owners(opened(tmp_path)) == [(SOURCES.word, "bulk")]
