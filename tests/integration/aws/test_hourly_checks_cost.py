"""What the hourly checks of domains cost in calls and units: the figures that `bench/cost/prices.py` multiplies."""

from __future__ import annotations

import pytest

from bench.cost import prices
from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.services.dns_monitor import DnsMonitor
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tracking.domains import TrackDomains
from tests.aws_backend import aws_backend, aws_settings
from tests.published import publish
from tests.worlds import make_scene

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws

MANY = 20
HOUR = 3_600


async def test_an_hour_of_checks_costs_what_the_prices_say(aws_settings: Settings) -> None:
    scene = await make_scene(on_aws=aws_settings)
    program = scene.posthorn
    meter, checks = program[Meter], program[DomainChecks]
    for number in range(MANY):
        domain = await program[Domains].add(scene.server, f"d{number}.example")
        publish(program[ScriptedResolver], program[Domains].records(domain))
        await checks.check(domain)
        await program[TrackDomains].add(scene.server, "track", domain.name)
    assert await program[DnsMonitor].run() == MANY  # the track domains
    scene.clock.advance(HOUR)
    meter.reset()
    assert await program[DnsMonitor].run() == 2 * MANY
    spent = meter.snapshot()
    assert 0.8 < spent.write_units / MANY / prices.CHECK_WRITE_UNITS <= 1
    assert 0.8 < spent.read_units / MANY / prices.CHECK_READ_UNITS <= 1
    calls = {name.removeprefix("dynamodb."): count for name, count in spent.calls.items()}
    assert calls == {"Query": 5, "BatchGetItem": MANY + 1, "GetItem": 8 * MANY, "PutItem": 2 * MANY}


async def test_many_changes_in_one_organization_do_not_meet(aws_settings: Settings) -> None:
    scene = await make_scene(on_aws=aws_settings)
    domains, checks = scene.posthorn[Domains], scene.posthorn[DomainChecks]
    for number in range(MANY):
        domain = await domains.add(scene.server, f"d{number}.example")
        await checks.check(domain)
        publish(scene.posthorn[ScriptedResolver], domains.records(domain))
    scene.clock.advance(HOUR)
    assert await scene.posthorn[DnsMonitor].run() == MANY
    assert all(one.verified_at for one in await domains.owned_by(scene.server))
