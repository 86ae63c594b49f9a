"""A pool whose sources are all suspended fails its check within a minute, however well its queue looks."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.pools.sources import Sources
from tests.integration.pools.conftest import Make

ONE = EgressSource("one", address="192.0.2.1")
TWO = EgressSource("two", address="192.0.2.2")


async def pools(program: Posthorn) -> CheckFinding:
    """How the check ends now."""
    await program[CheckInstallation].run()
    found = {one.name: one for one in await program[CheckInstallation].findings()}
    return found["pools"]


async def test_it_fails_while_every_source_is_suspended(make: Make) -> None:
    program = make()
    assert (await pools(program)).status is CheckStatus.OK, (
        "without a source mail goes straight out"
    )
    for one in (ONE, TWO):
        await program[Repository].add(SOURCES, one)
    await program[Sources].suspend(ONE)
    assert (await pools(program)).status is CheckStatus.OK
    await program[Sources].suspend(TWO, 600)
    found = await pools(program)
    assert (found.status, found.detail) == (
        CheckStatus.FAILING,
        "Every source of the pool default is suspended, and its mail waits:"
        " `posthorn source resume one --pool default`.",
    )
    program[ControlledClock].advance(601)
    assert (await pools(program)).detail == ""


async def test_one_that_is_listed_is_used_when_the_others_are_suspended(make: Make) -> None:
    program = make()
    await program[Repository].add(SOURCES, replace(ONE, suspended_for="Listed by bl.test"))
    await program[Repository].add(SOURCES, replace(TWO, suspended_until=4_000_000_000))
    assert (await pools(program)).status is CheckStatus.OK
