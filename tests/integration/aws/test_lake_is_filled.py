"""Messages that were there before the index are found, wherever the step that tells of them was stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws.lake import fill
from chalicelib.adapters.aws.lake.fill import FillLake
from chalicelib.adapters.aws.lake.objects import LakeObjects
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.query import EVERY_MESSAGE
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.transfer import MessageTransfer, WholeMessage
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW, a_message
from tests.tenants import make_tenant

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws


@pytest.fixture
def program(aws_settings: Settings) -> Iterator[Posthorn]:
    made = Posthorn(aws_settings, "aws", {Clock: ControlledClock(NOW)})
    yield made
    made[AwsSession].close()


async def test_what_was_there_before_is_told_in_steps_and_once(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "PAGE", 3)
    monkeypatch.setattr(fill, "PAGES_AT_ONCE", 2)
    first, _ = await make_tenant(program, CredentialKind.API)
    owner = await program[Organizations].get(first.organization_permalink)
    servers = [first, await program[Servers].create(owner, "Another")]
    for server in servers:
        messages = [a_message(server.id, number) for number in range(1, 21)]
        assert all(await program[MessageStore].create(messages))
    told = steps = 0
    while count := await program[FillLake].run(0):
        told, steps = told + count, steps + 1
        found = [await everything(program, server.id) for server in servers]
        assert sum(map(len, found)) == told
    assert told == 40
    assert steps > 3
    assert await program[FillLake].run(0) == 0
    await LakeObjects(program[AwsSession], program.settings).fill_again()
    assert await program[FillLake].run(60) == 40
    assert await program[FillLake].run(60) == 0
    for server in servers:
        assert await everything(program, server.id) == list(range(20, 0, -1))


async def everything(program: Posthorn, server: ServerId) -> list[MessageId]:
    page = await program[MailIndex].find(server, None, EVERY_MESSAGE, 100)
    return list(page.messages)


async def test_what_a_move_brings_is_told_though_the_outbox_is_not(program: Posthorn) -> None:
    server, _ = await make_tenant(program, CredentialKind.API)
    assert await program[FillLake].run(60) == 0
    record = lifecycle.accepted(a_message(server.id, 7))
    await program[MessageTransfer].add([WholeMessage(record)])
    assert await program[FillLake].run(60) == 1
    assert await everything(program, server.id) == [7]
