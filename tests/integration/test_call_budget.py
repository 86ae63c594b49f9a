"""What a delivered message costs on AWS: calls and DynamoDB units on the happy path (design section 5.6)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.memory import ControlledClock, ScriptedEgress, ScriptedResolver
from chalicelib.adapters.meter import Meter, Usage
from chalicelib.adapters.randomness import SystemRand
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import CredentialKind, EgressSource, Scope, State, Status
from chalicelib.domain.workitem import parse_work_item
from chalicelib.services.accept import Recipient, Submission
from chalicelib.services.attempt import WakeUp
from chalicelib.services.authenticate import Grant
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.worlds import CONTENT, KeptKeys

__all__ = ["aws_backend", "aws_names", "aws_settings"]
pytestmark = pytest.mark.aws

MESSAGES = 50
BATCH = 25  # wake-ups an invocation gets under load
MOST_CALLS = 4.5
MOST_WRITE_UNITS = 4.1


async def tenant(program: Posthorn) -> Grant:
    """A server that may send as acme.test."""
    program.keys = KeptKeys()
    await program.installation.ensure()
    organization = await program.accounts.create_organization("Acme")
    server = await program.accounts.create_server(organization, "App")
    await program.domains.trust(await program.domains.add(server, "acme.test"))
    credential, _ = await program.accounts.create_credential(server, CredentialKind.SMTP, "smtp")
    await program.accounts_store.add_egress_source(EgressSource("default"))
    return Grant(server, credential)


async def receive(world: AwsWorld, pool: str) -> list[dict[str, Any]]:
    """What an event source hands to a function: ten records in one call."""
    url = await world.queue._url(pool)
    answer = await world.session.call(
        "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10
    )
    records: list[dict[str, Any]] = answer.get("Messages", [])
    return records


async def delete(world: AwsWorld, pool: str, receipts: list[str]) -> None:
    """What an event source does with the records that succeeded: one call for ten."""
    entries = [{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(receipts)]
    url = await world.queue._url(pool)
    await world.session.call("sqs", "delete_message_batch", QueueUrl=url, Entries=entries)


@pytest.fixture
def usage_lines(capsys: pytest.CaptureFixture[str]) -> Any:
    """Print figures although pytest captures: they are the point."""

    def show(usage: Usage) -> None:
        with capsys.disabled():
            calls = {name: round(count / MESSAGES, 2) for name, count in usage.calls.items()}
            print(
                f"\n{usage.total_calls / MESSAGES:.2f} calls, {usage.write_units / MESSAGES:.2f} WRU,"
                f" {usage.read_units / MESSAGES:.2f} RRU,"
                f" ${usage.micro_dollars / MESSAGES:.2f} per million messages: {calls}"
            )

    return show


async def test_a_message_by_smtp_stays_within_its_budget(
    aws_settings: Settings, usage_lines: Any
) -> None:
    clock, meter, egress = ControlledClock(), Meter(), ScriptedEgress()
    world = AwsWorld(aws_settings, clock, SystemRand(), meter=meter, number_block=100)
    zone = {"example.com": {"MX": [(10, "mx.test")]}, "mx.test": {"A": ["93.184.216.34"]}}
    names = "directory accounts_store messages blobs queue suppressions numbers volume".split()
    ports = {name: getattr(world, name) for name in [*names, "idempotency", "vault"]}
    program = Posthorn(
        aws_settings,
        SimpleNamespace(
            clock=clock,
            rand=SystemRand(),
            resolver=ScriptedResolver(zone),
            egress=egress,
            **ports,
        ),
        meter,
    )
    grant = await tenant(program)
    pool = grant.server.pool

    async def accept(first: int, count: int) -> None:
        submissions = [
            Submission(grant, "app@acme.test", (Recipient(f"user{n}@example.com"),), CONTENT)
            for n in range(first, first + count)
        ]
        await program.accept.store([await program.accept.prepare(one) for one in submissions])

    async def deliver(count: int) -> None:
        done = 0
        while done < count:
            records: list[dict[str, Any]] = []
            while len(records) < min(BATCH, count - done):
                records += await receive(world, pool)
            wakeups = [WakeUp(parse_work_item(r["Body"]), r["ReceiptHandle"]) for r in records]
            assert not await program.attempt.run(wakeups)
            for start in range(0, len(wakeups), 10):
                await delete(world, pool, [one.receipt for one in wakeups[start : start + 10]])
            done += len(wakeups)

    await accept(0, 1)  # fills the caches, as in a function that is warm
    await deliver(1)
    meter.reset()
    await accept(1, MESSAGES)
    await deliver(MESSAGES)
    usage = meter.snapshot()
    usage_lines(usage)

    assert len(egress.received) == MESSAGES + 1
    page = await world.messages.page(grant.server.id, Scope.OUTGOING, 100)
    assert {(one.status, one.state) for one in page.records} == {(Status.SENT, State.DONE)}
    assert usage.total_calls / MESSAGES <= MOST_CALLS
    assert usage.write_units / MESSAGES <= MOST_WRITE_UNITS
    world.session.close()
