"""What is asked for freshly is as anybody left it at that moment, and read again only if somebody wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.repository import SqliteRepository
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository
from tests.fakes import an_organization


@pytest.fixture(params=["itself", "another process", "in memory"])
def writer_and_reader(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Posthorn, Posthorn]:
    folder = "" if request.param == "in memory" else str(tmp_path / "state")
    first = Posthorn(Settings(state_folder=folder), "sqlite")
    other = Posthorn(Settings(state_folder=folder), "sqlite")
    return (other if request.param == "another process" else first), first


async def test_every_change_is_seen_at_once_and_nothing_is_read_twice(
    writer_and_reader: tuple[Posthorn, Posthorn], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    get_many = SqliteRepository.get_many

    def counted(self: SqliteRepository, entity: object, places: object, **how: object) -> object:
        reads.append(1)
        return get_many(self, entity, places, **how)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(SqliteRepository, "get_many", counted)
    writer, reader = writer_and_reader
    repository, recent = writer[Repository], reader[Recent]
    value = an_organization()
    place = ORGANIZATIONS.place(value)
    assert await recent.fresh(ORGANIZATIONS, [place]) == {}
    await repository.add(ORGANIZATIONS, value)
    for name in ("One", "Two", "Three"):
        value = replace(value, name=name)
        await repository.replace(ORGANIZATIONS, value)
        reads.clear()
        for _ in range(3):
            assert await recent.fresh(ORGANIZATIONS, [place]) == {place: value}
        assert len(reads) == 1
    await repository.remove(ORGANIZATIONS, value)
    assert await recent.fresh(ORGANIZATIONS, [place]) == {}
