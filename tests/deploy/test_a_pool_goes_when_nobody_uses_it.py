"""A pool is dropped only when no server's mail takes it; the refusal names servers and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.pools.rules import PoolRules, RuleOwner
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from infra import pools
from infra.current_state import read
from infra.deploy import deploy
from infra.order import Order
from infra.stack import SETTINGS, Stack, cloudformation, data_parameters
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder
from infra.templates import for_pools, load, render
from tests.deploy.installation import random_prefix

pytestmark = pytest.mark.aws
BOTH = ("default", "bulk")


def check(order: Order) -> None:
    pools.check(order, read(order.target, order.prefix).outputs)


@dataclass(frozen=True)
class Standing:
    """A data plane with the pools default and bulk, and an order that drops bulk."""

    order: Order
    program: Posthorn

    def servers(self, *names: str, pool: str = "bulk") -> None:
        async def make() -> None:
            owner = await self.program[Organizations].create("Acme")
            for name in names:
                options = ServerOptions(pool=pool)
                await self.program[Servers].create(owner, name, None, options)

        asyncio.run(make())

    def refused(self) -> str:
        with pytest.raises(WrongOrder) as refused:
            check(self.order)
        return str(refused.value)


@pytest.fixture
def standing(target: Target) -> Iterator[Standing]:
    prefix = random_prefix()
    text = render(for_pools(load("data.yaml"), BOTH))
    stack = Stack(f"{prefix}-data", text, data_parameters(target.endpoint, prefix))
    made = deploy_stack(cloudformation(target.endpoint), stack)
    names: dict[str, Any] = {field: made[output] for output, field in SETTINGS.items()}
    package: Any = None
    yield Standing(Order(target, prefix, package), bootstrap.on_aws(replace(Settings(), **names)))


def test_the_servers_are_named_up_to_three(standing: Standing) -> None:
    standing.servers("A")
    assert standing.refused() == (
        "the pool 'bulk' is not among the pools any more, but the server acme/a uses it; keep it,"
        " or move each: posthorn server set acme/a --pool default"
    )


def test_a_rule_uses_its_pool_too(standing: Standing) -> None:
    standing.servers("A", pool="default")
    server = asyncio.run(standing.program[Servers].get("acme", "a"))
    owner = RuleOwner(server.organization_id, server.id)
    asyncio.run(standing.program[PoolRules].create(owner, "bulk", [], ["b.test"]))
    assert standing.refused() == (
        "the pool 'bulk' is not among the pools any more, but a pool rule of acme/a uses it; keep"
        " it, or delete the rule"
    )


def test_the_others_are_counted(standing: Standing) -> None:
    standing.servers("B", "A", "D", "C", "E")
    assert "but the servers acme/a, acme/b, acme/c and 2 more use it;" in standing.refused()


def test_a_deployment_is_refused_before_anything_changes(standing: Standing) -> None:
    standing.servers("A")
    with pytest.raises(WrongOrder, match="acme/a uses it"):
        deploy(standing.order, lambda _: None)
    assert asyncio.run(standing.program[WorkQueue].pools()) == ("bulk", "default")


def test_a_pool_that_stays_or_that_nobody_uses_is_no_matter(standing: Standing) -> None:
    check(standing.order)
    standing.servers("A")
    check(replace(standing.order, pools=BOTH))
    standing.servers("B", pool="default")
    server = asyncio.run(standing.program[Servers].get("acme", "a"))
    options = replace(ServerOptions.of(server), pool="default")
    asyncio.run(standing.program[Servers].update(server, options))
    check(standing.order)


def test_waiting_mail_is_said_first(standing: Standing) -> None:
    standing.servers("A")
    sqs = standing.order.target.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{standing.order.prefix}-deliver-bulk")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waits", DelaySeconds=900)
    assert "its queue still holds wake-ups" in standing.refused()


def test_a_table_that_cannot_be_read_is_no_leave_to_drop(standing: Standing) -> None:
    table = f"{standing.order.prefix}-control"
    dynamodb = standing.order.target.client("dynamodb")
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    words = (
        "whether servers use the pool 'bulk', which is no longer among the pools, cannot be told"
    )
    assert f"{words}: ResourceNotFoundException" in standing.refused()


def test_the_queues_of_an_installation_whose_prefix_begins_so_are_not_ours(
    standing: Standing,
) -> None:
    sqs = standing.order.target.client("sqs")
    name = f"{standing.order.prefix}-deliver-two-deliver-default"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waits", DelaySeconds=900)
    check(standing.order)
