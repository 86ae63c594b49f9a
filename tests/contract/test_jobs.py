"""Jobs, and what they are about, on each family of stores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.jobs import Job, JobError, JobStatus, ended
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.jobs import Jobs
from tests.contract.conftest import World
from tests.fakes import NOW

JOB = Job("jbaaa", "export", "acme/app", '{"what":"ä"}', "ada", NOW + 0.5)


async def opened(world: World) -> list[str]:
    found = await world[Jobs].open(1_000)
    return [job.id for owner, job in found if abs(owner) == world.server]


async def test_a_job_is_kept_and_changed_by_one_at_a_time(world: World) -> None:
    port, owner = world[Jobs], world.server
    await port.add(owner, JOB)
    with pytest.raises(Conflict):
        await port.add(owner, JOB)
    assert await port.get(owner, "jbaaa") == JOB
    with pytest.raises(NotFound):
        await port.get(ServerId(-owner), "jbaaa")
    after = replace(JOB, done=7, errors=(JobError("9", "is gone"),), state="{}", is_stopping=True)
    kept = await world.another()[Jobs].change(owner, after)
    assert kept == replace(after, version=1)
    assert await port.change(owner, after) is None
    assert await port.get(owner, "jbaaa") == kept
    assert await port.change(owner, replace(JOB, id="jbzzz")) is None


async def test_jobs_are_paged_by_their_ids(world: World) -> None:
    port, owner = world[Jobs], world.server
    names = [f"jb{letter}" for letter in "abcde"]
    for name in names[::-1]:
        await port.add(owner, replace(JOB, id=name))
    await port.write_down(owner, replace(JOB, id="jba"), 0, ["1"])
    await port.add(ServerId(-owner), replace(JOB, id="jbother"))
    first = await port.page(owner, 3, NOW)
    assert ([one.id for one in first.values], first.next_cursor) == (names[:3], "jbc")
    second = await port.page(owner, 3, NOW, first.next_cursor)
    assert ([one.id for one in second.values], second.next_cursor) == (names[3:], None)
    assert (await port.page(owner, 3, NOW + 31 * 86_400)).values == ()


async def test_what_is_left_to_do_is_found_oldest_first(world: World) -> None:
    port, owner = world[Jobs], world.server
    for number, name in enumerate(("jbnew", "jbold", "jbmid")):
        at = NOW - (0, 9, 5)[number]
        await port.add(owner if number else ServerId(-owner), replace(JOB, id=name, created_at=at))
    assert await opened(world) == ["jbold", "jbmid", "jbnew"]
    over = ended(await port.get(owner, "jbmid"), JobStatus.DONE, NOW)
    assert await port.change(owner, over) is not None
    assert await opened(world) == ["jbold", "jbnew"]


async def test_what_a_job_is_about_is_written_down_in_parts(world: World) -> None:
    port, owner = world[Jobs], world.server
    ids = [f'["ä",{number}]' for number in range(1_000)]
    await port.write_down(owner, JOB, 0, ["gone"])
    await port.write_down(owner, JOB, 0, ids)
    await port.write_down(owner, JOB, 1, ["last"])
    assert await port.written_down(owner, "jbaaa", 0) == ids
    assert await port.written_down(owner, "jbaaa", 1) == ["last"]
    assert await port.written_down(owner, "jbaaa", 2) == []
    assert await port.written_down(ServerId(-owner), "jbaaa", 0) == []


async def test_a_job_is_brought_as_it_was_unless_one_as_new_is_there(world: World) -> None:
    port, owner = world[Jobs], world.server
    first = replace(JOB, version=5, done=5)
    await port.bring(owner, first)
    assert await port.get(owner, JOB.id) == first
    assert await opened(world) == [JOB.id]
    for version, done in ((4, 4), (5, 6)):
        await port.bring(owner, replace(JOB, version=version, done=done))
        assert await port.get(owner, JOB.id) == first
    over = replace(ended(first, JobStatus.DONE, NOW), version=6)
    await port.bring(owner, over)
    assert await port.get(owner, JOB.id) == over
    assert await opened(world) == []
    assert await port.change(owner, over) == replace(over, version=7)
