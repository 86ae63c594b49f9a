"""What must be so before a deployment may drop a pool: its queue is empty, and no server's mail takes it, by itself or
by a rule.

The queue and the delivering function of a pool that the order no longer names are removed by CloudFormation; mail
accepted for that pool afterwards could not be queued. Changes nothing. It does not stop a server that is moved into the
pool while the deployment runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError
from chalicelib.services.pools.rules import PoolRules, RuleOwner
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from infra.order import Order
from infra.outputs import program_of
from infra.stack import SETTINGS
from infra.targets import WrongOrder
from infra.templates import DEFAULT_POOL, POOL

MOST_NAMED = 3
_COUNTS = tuple(f"ApproximateNumberOfMessages{count}" for count in ("", "NotVisible", "Delayed"))


def check(order: Order, outputs: Mapping[str, str]) -> None:
    """WrongOrder when a pool would go whose queue still holds wake-ups, or that servers or pool rules still use.

    `outputs` are those of the stacks that stand.
    """
    sqs = order.target.client("sqs")
    dropped = {pool: url for pool, url in _queues(sqs, order.prefix) if pool not in order.pools}
    for pool, url in dropped.items():
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
        if any(int(attributes["Attributes"].get(count, 0)) for count in _COUNTS):
            raise WrongOrder(
                f"the pool {pool!r} is not among the pools any more, but its queue still holds"
                " wake-ups; keep it until they are done"
            )
    if dropped and outputs.keys() >= SETTINGS.keys():  # else there are no servers yet
        _check_servers(program_of(order.target, outputs, {}), dropped)


def _queues(sqs: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """The pools that have a queue, each with its URL."""
    start = f"{prefix}-deliver-"
    for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=start):
        for url in page.get("QueueUrls", []):
            pool = url.rpartition("/")[2].removeprefix(start)
            if POOL.fullmatch(pool):  # else it is another installation's, whose prefix begins so
                yield pool, url


def _check_servers(program: Posthorn, dropped: Collection[str]) -> None:
    try:
        used = bootstrap.run(servers_by_pool(program))
        rules = bootstrap.run(rules_by_pool(program))
    except MailError as error:
        raise WrongOrder(
            f"whether servers use the pool {min(dropped)!r}, which is no longer among the pools,"
            f" cannot be told: {error.fields.get('aws_code', error.public)}"
        ) from error
    for pool in sorted(dropped & used.keys()):
        raise WrongOrder(
            f"the pool {pool!r} is not among the pools any more, but {_named(used[pool])} it; keep"
            f" it, or move each: posthorn server set {used[pool][0]} --pool {DEFAULT_POOL}"
        )
    for pool in sorted(dropped & rules.keys()):
        raise WrongOrder(
            f"the pool {pool!r} is not among the pools any more, but a pool rule of {rules[pool]} uses"
            " it; keep it, or delete the rule"
        )


async def servers_by_pool(program: Posthorn) -> dict[str, list[str]]:
    """The full names of the servers whose mail takes each pool, in order."""
    found: dict[str, list[str]] = {}
    for organization in await program[Organizations].all():
        for server in await program[Servers].of(organization):
            found.setdefault(server.pool, []).append(server.full_name)
    return found


async def rules_by_pool(program: Posthorn) -> dict[str, str]:
    """Of each pool that a rule names, the organization or server that one is of."""
    found: dict[str, str] = {}
    rules = program[PoolRules]
    for organization in await program[Organizations].all():
        owners = {RuleOwner(organization.id): organization.permalink}
        for server in await program[Servers].of(organization):
            owners[RuleOwner(organization.id, server.id)] = server.full_name
        for owner, name in owners.items():
            found |= {one.pool: found.get(one.pool, name) for one in await rules.that_act_on(owner)}
    return found


def _named(servers: Sequence[str]) -> str:
    """`the server a/b uses`, `the servers a/b, a/c use`, or `the servers a/b, a/c, a/d and 7 more use`."""
    if len(servers) == 1:
        return f"the server {servers[0]} uses"
    more = len(servers) - MOST_NAMED
    return f"the servers {', '.join(servers[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''} use"
