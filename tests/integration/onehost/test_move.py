"""A move to AWS and back, in several runs: what each leaves, what each side says meanwhile, and what it costs.

That nothing is lost when it is killed is played by tests/fault/test_move_is_killed.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.changes import Changes
from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.bootstrap import on_aws, run
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import DeliveryJob, State, Status
from chalicelib.domain.nouns import NOUNS
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Count
from chalicelib.domain.tenancy.credentials import CREDENTIALS, CredentialKind
from chalicelib.domain.tenancy.endpoints import EndpointType
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS, place_of
from chalicelib.domain.tenancy.routes import RETURN_PATH
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.incoming.routes import Routes
from chalicelib.services.queue.store_outcome import StoreOutcome
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import Servers
from onehost.move.places import give_up, move_from_aws, move_to_aws
from onehost.serve import held
from onehost.storage.progress import Progress
from onehost.upkeep import Upkeep
from tests.aws_backend import Backend, aws_backend
from tests.fakes import a_delivery
from tests.integration.cli.conftest import Run
from tests.kept_mail import Host, fill, make_host, opened
from tests.moved_mail import differences, everything, filled, records

__all__ = ["aws_backend"]
pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.xdist_group("aws")]
QUIET = Progress(lambda text: None)
READING = {"get_item", "batch_get_item", "query", "list_queues", "list_objects_v2"}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(operation: str, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Die at the first call of this operation."""
    real = AwsSession.call

    async def call(self: AwsSession, service: str, name: str, **options: Any) -> Any:
        if name == operation:
            raise Killed
        return await real(self, service, name, **options)

    with patch.context() as steps:
        steps.setattr(AwsSession, "call", call)
        with pytest.raises(Killed):
            yield


@contextmanager
def counted(patch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The calls to AWS, by operation."""
    calls: Counter[str] = Counter()
    real = AwsSession.call

    async def call(self: AwsSession, service: str, name: str, **options: Any) -> Any:
        calls[name] += 1
        return await real(self, service, name, **options)

    with patch.context() as steps:
        steps.setattr(AwsSession, "call", call)
        yield calls


@pytest.fixture
def settings(state: Path, aws_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in aws_backend.variables.items():
        monkeypatch.setenv(name, value)
    return replace(aws_backend.settings(), state_folder=str(state))


@pytest.fixture
def there(settings: Settings) -> Iterator[bootstrap.Posthorn]:
    """The program on AWS."""
    program = on_aws(replace(settings, state_folder=""))
    bootstrap.use(program)
    yield program
    bootstrap.use(None)


def test_what_waits_stays_while_the_folder_is_served(
    settings: Settings, state: Path, there: bootstrap.Posthorn
) -> None:
    host, mail = run(filled(state, 30))
    with held(settings):
        assert move_to_aws(settings, QUIET) is False
        run(host.accept())
    copied = {one.message.id for one in run(records(there, host))}
    assert mail["done"].id in copied
    assert not {mail[name].id for name in ("waiting", "leased", "held")} & copied

    server, number = host.server.id, mail["done"].id
    hit = EngagementEvent(EngagementKind.OPEN, host.now, "192.0.2.1", "Mozilla")
    run(host.posthorn[Engagement].record(server, number, hit, int(host.now) + 86_400))
    run(host.finish(mail["waiting"]))
    before = run(_counted(host))
    assert move_to_aws(settings, QUIET) is True
    assert differences(before, run(everything(there, host))) == []


def test_routes_move_with_their_endpoints_and_the_next_one_is_younger(
    settings: Settings, state: Path, there: bootstrap.Posthorn
) -> None:
    host = run(make_host(state))
    given = {"name": "app", "url": "https://joe:word@app.test/"}
    endpoints, routes = host.posthorn[Endpoints], host.posthorn[Routes]
    endpoint, _ = run(endpoints.create(host.server, EndpointType.HTTP, given))
    given = {"name": RETURN_PATH, "endpoint": endpoint.id}
    route = run(routes.create(host.server, given, lambda _: True))
    before = run(_counted(host))
    assert move_to_aws(settings, QUIET) is True
    assert differences(before, run(everything(there, host))) == []
    assert run(there[Routes].of(host.server)) == [route]
    assert run(there[Repository].next_number("route")) > route.number


def test_what_was_removed_between_two_runs_is_left_to_the_purge_there(
    settings: Settings, state: Path, there: bootstrap.Posthorn
) -> None:
    host, _ = run(filled(state, 10))
    owner = run(host.posthorn[Organizations].get("acme"))
    doomed = run(host.posthorn[Servers].create(owner, "Doomed"))
    forgotten = run(host.posthorn[Servers].create(owner, "Forgotten"))
    run(host.posthorn[Credentials].create(doomed, CredentialKind.API, "k"))
    with held(settings):
        assert move_to_aws(settings, QUIET) is False
    for server in (doomed, forgotten):
        run(host.posthorn[RemoveTenants].remove_server(server))
    # Here there was time to forget one of them.
    (gone,) = run(
        host.posthorn[Repository].get_many(REMOVALS, [place_of("acme/forgotten")])
    ).values()
    run(host.posthorn[Repository].remove(REMOVALS, gone))
    assert move_to_aws(settings, QUIET) is True
    left = run(there[Repository].all(REMOVALS, ALL_REMOVALS))
    assert {one.server_id for one in left} == {doomed.id, forgotten.id}
    assert [one.permalink for one in run(there[Servers].of(owner))] == [host.server.permalink]
    assert run(there[Repository].all(CREDENTIALS, of_server(doomed.id))) == []


async def _counted(host: Host) -> dict[str, Any]:
    """Everything, once what has happened is counted."""
    await Upkeep(host.posthorn).feed()
    return await everything(host.posthorn, host)


def test_an_installation_with_accounts_is_left_alone(
    settings: Settings, state: Path, there: bootstrap.Posthorn
) -> None:
    run(make_host(state))
    run(there[Organizations].create("Other"))
    with pytest.raises(PermanentFailure, match="has organizations already"):
        move_to_aws(settings, QUIET)
    assert opened(state)[MailDatabase]


def test_a_pool_without_a_queue_there_is_said_first(settings: Settings, state: Path) -> None:
    host = run(make_host(state))
    run(host.posthorn[Repository].add(SOURCES, EgressSource("b", "bulk")))
    with pytest.raises(PermanentFailure, match="The pool bulk has no queue there: deploy it first"):
        move_to_aws(settings, QUIET)
    assert opened(state)[MailDatabase]


def test_a_folder_whose_last_run_was_stopped_serves_only_if_the_move_is_given_up(
    settings: Settings,
    state: Path,
    there: bootstrap.Posthorn,
    monkeypatch: pytest.MonkeyPatch,
    posthorn: Run,
) -> None:
    host, mail = run(filled(state, 30))
    with killed_at("send_message_batch", monkeypatch):
        move_to_aws(settings, QUIET)
    with pytest.raises(PermanentFailure, match=r"is being moved to AWS: `posthorn move --to aws`"):
        opened(state)[MailDatabase]
    assert posthorn("--state", str(state), "move", "--give-up").code == 0
    again = posthorn("--state", str(state), "move", "--give-up")
    assert (again.code, "No move of" in again.err) == (1, True)

    host.posthorn = opened(state)
    (late,) = run(host.accept("late@example.com"))
    for message in (late, mail["waiting"]):
        run(host.finish(message))
    before = run(_counted(host))
    assert move_to_aws(settings, QUIET) is True
    assert differences(before, run(everything(there, host))) == []


def test_a_folder_that_is_filled_says_what_has_not_come_to_its_end(
    settings: Settings, state: Path, tmp_path: Path
) -> None:
    run(filled(state, 30))
    assert move_to_aws(settings, QUIET) is True
    back = replace(settings, state_folder=str(tmp_path / "back"))
    move_from_aws(back, QUIET, last=False)
    with pytest.raises(
        PermanentFailure, match=r"The move from AWS into .* has not come to its end"
    ):
        opened(tmp_path / "back")[MailDatabase]
    move_from_aws(back, QUIET, last=True)
    assert opened(tmp_path / "back")[MailDatabase]
    with pytest.raises(PermanentFailure, match=r"No move of .* has been stopped before its end"):
        give_up(back)


def test_an_outbox_that_is_there_already_counts_nothing_that_was_moved(
    settings: Settings, state: Path, there: bootstrap.Posthorn
) -> None:
    changes = Changes(settings.mail_table)
    host, mail = run(filled(state, 60))
    with held(settings):
        move_to_aws(settings, QUIET)
    server, number = host.server.id, mail["done"].id
    hit = EngagementEvent(EngagementKind.OPEN, host.now, "192.0.2.1", "Mozilla")
    run(host.posthorn[Engagement].record(server, number, hit, int(host.now) + 86_400))
    assert move_to_aws(settings, QUIET) is True
    moved = changes.take()
    assert len(moved) > 60
    changes.hand_over(moved, 100)
    before = run(host.posthorn[Statistics].read(server, Period.DAY, 0, int(host.now)))
    assert run(there[Statistics].read(server, Period.DAY, 0, int(host.now))) == before

    host.posthorn = there
    run(host.accept())
    changes.hand_over(changes.take(), 100)
    after = run(there[Statistics].read(server, Period.DAY, 0, int(host.now)))
    assert _accepted(after) == _accepted(before) + 1


def _accepted(days: Sequence[tuple[int, Mapping[Count, int]]]) -> int:
    return sum(counts.get(Count.OUTGOING, 0) for _, counts in days)


def test_a_run_over_what_is_there_reads_in_batches_and_writes_nothing(
    settings: Settings, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = run(make_host(state))
    run(_finished(host, 400))
    with held(settings), counted(monkeypatch) as first:
        move_to_aws(settings, QUIET)
    nouns = len(NOUNS)  # each is asked for
    assert first.total() < 0.15 * 400 + 2 * nouns
    with held(settings), counted(monkeypatch) as second:
        move_to_aws(settings, QUIET)
    assert second.total() < 0.05 * 400 + 2 * nouns
    assert second.keys() - READING <= {"generate_data_key", "decrypt"}


async def _finished(host: Host, count: int) -> None:
    for number in range(count // 20):
        messages = await host.accept(*(f"{number}-{one}@example.com" for one in range(20)))
        for message in messages:
            await host.finish(message)


def test_how_an_attempt_ended_is_stored_at_the_other_side(
    settings: Settings, state: Path, tmp_path: Path, there: bootstrap.Posthorn
) -> None:
    """It was known to its wake-up alone, because the store was away."""
    host = run(make_host(state))
    mail = run(fill(host))
    leased = run(host.record(mail["leased"]))
    outcome = lifecycle.pending_outcome(leased, lifecycle.done(leased, a_delivery(77)))
    job = DeliveryJob(mail["leased"], 0, outcome=outcome)
    run(host.posthorn[WorkQueue].wake("default", [job]))
    move_to_aws(settings, QUIET)
    (queued,) = run(there[WorkQueue].marked("default"))
    assert queued.outcome == outcome

    back = replace(settings, state_folder=str(tmp_path / "back"))
    move_from_aws(back, QUIET, last=True)
    again = opened(tmp_path / "back")
    (queued,) = [one.job for one in run(again[SqliteWorkQueue].receive("default")) if one.job]
    assert queued.outcome == outcome
    assert run(again[StoreOutcome].store_queued(queued, outcome))
    ended = run(again[MessageStore].get(host.server.id, mail["leased"].id))
    assert (ended.state, ended.status) == (State.DONE, Status.SENT)
