"""Jobs go on at the other side of a move where they were stopped, and exports are there as long as they are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn, on_aws, run
from chalicelib.config import Settings
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.suppression import NEVER, Change, Suppression
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs import export, exported_suppressions, import_suppressions
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from onehost.move.places import move_from_aws, move_to_aws
from onehost.serve import held
from onehost.storage.progress import Progress
from tests.aws_backend import Backend, aws_backend
from tests.kept_mail import Host, make_host, opened
from tests.moved_mail import differences, everything

__all__ = ["aws_backend"]
pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.xdist_group("aws")]
QUIET = Progress(lambda text: None)
LISTED, NEW = 25, 60
CSV = "address,reason\n" + "".join(f"new{number}@x.example,bounce\n" for number in range(NEW))


@pytest.fixture
def settings(state: Path, aws_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in aws_backend.variables.items():
        monkeypatch.setenv(name, value)
    return replace(aws_backend.settings(), state_folder=str(state))


@pytest.fixture
def there(settings: Settings) -> Iterator[Posthorn]:
    program = on_aws(replace(settings, state_folder=""))
    bootstrap.use(program)
    yield program
    bootstrap.use(None)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported_suppressions, "PART", 10)
    monkeypatch.setattr(import_suppressions, "COUNTED_BYTES", 400)
    monkeypatch.setattr(import_suppressions, "READ_BYTES", 400)


def start(program: Posthorn, owner: JobOwner, kind: str, **parameters: str) -> Job:
    return run(program[KeepJobs].start(owner, kind, parameters))


def work(program: Posthorn, owner: JobOwner, job: Job, pieces: int) -> Job:
    """So many pieces of a job, as a runner does that died then: the last holds the lease."""
    for _ in range(pieces):
        job = run(program[Jobs].get(owner.number, job.id))
        run(program[RunJobs]._piece(owner.number, job))
    return run(program[Jobs].get(owner.number, job.id))


def job_of(program: Posthorn, owner: JobOwner, job: Job) -> Job:
    return run(program[Jobs].get(owner.number, job.id))


def listed(program: Posthorn, host: Host) -> set[str]:
    page = run(program[SuppressionList].walk(host.server.id, 1_000, host.now))
    return {one.address for one in page.values}


def rows_of(program: Posthorn, owner: JobOwner, job: Job, now: float) -> set[str]:
    """The addresses in the file of an export, in which each stands once."""

    async def read() -> bytes:
        ref = await program[BlobStore].kept(owner.number, export._name(job), now)
        return await program[BlobStore].get(ref)

    rows = [json.loads(line)["address"] for line in run(read()).splitlines()]
    assert len(rows) == len(set(rows))
    return set(rows)


def url_of(program: Posthorn, owner: JobOwner, job: Job) -> object:
    shown = run(program[KeepJobs].shown(owner, job_of(program, owner, job)))
    return shown and shown["url"]


def test_there_and_back(settings: Settings, state: Path, tmp_path: Path, there: Posthorn) -> None:
    host = run(make_host(state))
    here, server = host.posthorn, host.server
    owner = JobOwner(server.organization_id, server.full_name, server)
    shared = JobOwner(server.organization_id, server.organization_permalink)
    old = [f"old{number}@x.example" for number in range(LISTED)]
    changes = [Change(Suppression(one, "bounced", host.now, NEVER), None) for one in old]
    assert run(here[SuppressionList].put_all(server.id, changes, host.now)) == set()
    done = start(here, shared, "export", what="suppressions")
    run(here[RunJobs].run(60))
    exporting = start(here, owner, "export", what="suppressions", format="ndjson")
    importing = start(here, owner, "import_suppressions", csv=CSV)
    assert 0 < work(here, owner, exporting, 5).done < LISTED
    assert 0 < work(here, owner, importing, 6).done < NEW

    with held(settings):
        assert move_to_aws(settings, QUIET) is False
    assert run(there[Jobs].page(owner.number, 9, host.now)).values == ()
    before = run(everything(here, host))
    assert move_to_aws(settings, QUIET) is True
    assert differences(before, run(everything(there, host))) == []

    run(there[RunJobs].run(60))
    exported, imported = (job_of(there, owner, one) for one in (exporting, importing))
    assert (exported.status, imported.status) == (JobStatus.DONE, JobStatus.DONE)
    assert rows_of(there, owner, exporting, host.now) >= set(old)
    assert json.loads(imported.result)["added"] == NEW
    assert listed(there, host) == {*old, *(f"new{number}@x.example" for number in range(NEW))}
    assert url_of(there, shared, done)

    before = run(everything(there, host))
    folder = tmp_path / "back"
    move_from_aws(replace(settings, state_folder=str(folder)), QUIET, last=True)
    back = opened(folder)
    assert differences(before, run(everything(back, host))) == []
    assert url_of(back, owner, exporting)
    assert rows_of(back, owner, exporting, host.now) >= set(old)


@pytest.mark.parametrize("pieces", [5, 6])
def test_a_file_in_parts_is_made_anew_at_the_other_side(
    settings: Settings,
    state: Path,
    tmp_path: Path,
    there: Posthorn,
    monkeypatch: pytest.MonkeyPatch,
    pieces: int,
) -> None:
    monkeypatch.setattr(export, "SMALLEST_PART", 1_000)
    host = run(make_host(state))
    here, server = host.posthorn, host.server
    owner = JobOwner(server.organization_id, server.full_name, server)
    old = [f"old{number}@x.example" for number in range(LISTED)]
    changes = [Change(Suppression(one, "bounced", host.now, NEVER), None) for one in old]
    assert run(here[SuppressionList].put_all(server.id, changes, host.now)) == set()
    exporting = start(here, owner, "export", what="suppressions", format="ndjson")
    assert json.loads(work(here, owner, exporting, pieces).state)["whole"]
    assert move_to_aws(settings, QUIET) is True
    begun = work(there, owner, exporting, pieces - 1)
    assert json.loads(begun.state)["whole"], "a part lies there, and more is to come"
    folder = tmp_path / "back"
    move_from_aws(replace(settings, state_folder=str(folder)), QUIET, last=True)
    back = opened(folder)
    run(back[RunJobs].run(60))
    exported = job_of(back, owner, exporting)
    assert (exported.status, exported.failed) == (JobStatus.DONE, 0)
    assert exported.done == exported.matched >= LISTED
    assert rows_of(back, owner, exporting, host.now) >= set(old)
    assert json.loads(exported.result)["rows"] == exported.done
