"""An installation moved to AWS and back, killed at random points and run again, is the same object by object."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.bootstrap import Posthorn, on_aws, run
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import Message, MessageRecord, Scope, State
from chalicelib.domain.statistics import Period
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.organizations import Organizations
from onehost.move.configuration import _nouns, _opened
from onehost.move.places import move_from_aws, move_to_aws
from onehost.storage.progress import Progress
from tests.aws_backend import Backend, aws_backend
from tests.kept_mail import Host, fill, make_host, opened

__all__ = ["aws_backend"]
pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.xdist_group("aws")]
QUIET = Progress(lambda text: None)
MESSAGES = 230
KILLS = 5


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_after(calls: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Die at the call to AWS after so many."""
    left = [calls]
    real = AwsSession.call

    async def call(self: AwsSession, *args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return await real(self, *args, **options)

    with patch.context() as steps:
        steps.setattr(AwsSession, "call", call)
        yield


async def _everything(program: Posthorn, host: Host) -> dict[str, Any]:
    """What an installation has, without what differs between families."""
    server, now = host.server.id, host.now
    found: dict[str, Any] = {}
    async for entity, value in _nouns(program):
        found[f"{entity.word} {entity.place(value)}"] = await _opened(entity, value, program)
    for record in await _records(program, host):
        number = record.message.id
        log = await program[MessageStore].deliveries(server, number)
        body = await program[BlobStore].get(record.message.blob)
        links = [
            await program[Engagement].link(server, number, one + 1)
            for one in range(record.links or 0)
        ]
        hits = await program[Engagement].hits(server, number)
        found[f"message {number}"] = (_as_moved(record), log, body, links, hits)
    found["suppressions"] = await program[SuppressionList].all(server, now)
    for period in Period:
        found[period] = dict(await program[Statistics].read(server, period, 0, int(now)))
    return found


async def _records(program: Posthorn, host: Host) -> list[MessageRecord]:
    records: list[MessageRecord] = []
    cursor: str | None = None
    while True:
        page = await program[MessageStore].page(host.server.id, Scope.OUTGOING, 100, cursor)
        records += page.values
        cursor = page.next_cursor
        if cursor is None:
            return records


def _as_moved(record: MessageRecord) -> MessageRecord:
    waits = record.state is State.WAITING
    message = replace(record.message, blob=replace(record.message.blob, key="", offset=0))
    wake_at = (record.wake_at or int(message.received_at)) if waits else record.wake_at
    return replace(
        record,
        message=message,
        by_sweeper=waits,
        wake_at=wake_at,
        lease_until=0,
        deliveries=(),
    )


@pytest.fixture
def settings(state: Path, aws_backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in aws_backend.variables.items():
        monkeypatch.setenv(name, value)
    return replace(aws_backend.settings(), state_folder=str(state))


async def _filled(state: Path) -> tuple[Host, dict[str, Message]]:
    host = await make_host(state)
    mail = await fill(host)
    for number in range(MESSAGES // 2):
        one, _ = await host.accept("a@example.com", "b@example.com", words=f"{number} " * 50)
        if number % 3:
            await host.finish(one)
    return host, mail


def test_it_is_moved_there_and_back(
    settings: Settings, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, mail = run(_filled(state))
    before = run(_everything(host.posthorn, host))
    _killed_and_run_again(monkeypatch, lambda: move_to_aws(settings, QUIET))
    there = on_aws(replace(settings, state_folder=""))
    assert run(_everything(there, host)) == before
    _goes_on(there, host, mail)
    with pytest.raises(PermanentFailure, match="was moved away, and nothing is served from there"):
        opened(state)[MessageStore]

    before = run(_everything(there, host))  # with the use of the credential
    back = replace(settings, state_folder=str(tmp_path / "back"))
    _killed_and_run_again(monkeypatch, lambda: move_from_aws(back, QUIET, last=True))
    again = opened(tmp_path / "back")
    assert run(_everything(again, host)) == before
    _goes_on(again, host, mail)
    assert again[EventFeed].read()[0] == []


def _killed_and_run_again(patch: pytest.MonkeyPatch, move: Any) -> None:
    for _ in range(KILLS):
        with killed_after(random.randrange(300), patch):
            try:
                move()
            except Killed:
                continue
            return
    move()


def _goes_on(program: Posthorn, host: Host, mail: dict[str, Message]) -> None:
    """What is out in the world still works, and no number is given twice."""
    assert run(program[AddressMac].key()) == run(host.posthorn[AddressMac].key())
    server = host.server.id
    assert run(program[Engagement].link(server, mail["done"].id, 1)) == "https://a.test/"
    assert run(program[Engagement].link(server, mail["leased"].id, 1)) == "https://b.test/"
    number = run(program[Numbers].take(host.server.id, "message", 1))[0]
    assert number > max(one.message.id for one in run(_records(program, host)))
    assert host.principal.credential is not None
    key = run(program[Authenticate].by_key(host.key, frozenset({CredentialKind.SMTP})))
    assert key.server.id == host.server.id


def test_what_waits_stays_while_the_folder_is_served(settings: Settings, state: Path) -> None:
    from onehost.serve import held

    host, mail = run(_filled(state))
    with held(settings):
        assert move_to_aws(settings, QUIET) is False
    there = on_aws(replace(settings, state_folder=""))
    copied = {one.message.id for one in run(_records(there, host))}
    assert mail["done"].id in copied
    assert not {mail[name].id for name in ("waiting", "leased", "held")} & copied

    run(host.accept())
    assert move_to_aws(settings, QUIET) is True
    assert len(run(_records(there, host))) == len(run(_records(host.posthorn, host)))


def test_an_installation_with_accounts_is_left_alone(settings: Settings, state: Path) -> None:
    run(make_host(state))
    there = on_aws(replace(settings, state_folder=""))
    run(there[Organizations].create("Other"))
    with pytest.raises(PermanentFailure, match="has organizations already"):
        move_to_aws(settings, QUIET)
