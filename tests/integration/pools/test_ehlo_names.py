"""The name that a source introduces itself with is looked up each hour, like its addresses; on each engine."""

from __future__ import annotations

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus
from chalicelib.domain.tenancy.sources import EgressSource
from tests.integration.pools.conftest import Make
from tests.integration.pools.test_look_at_sources import FOUR, Site

OUT = EgressSource("out", address=FOUR, ehlo="out.acme.test")


@pytest.fixture
async def site(make: Make) -> Site:
    """A source whose address has its EHLO name as reverse name."""
    made = Site(make(smtp_hostname="mail.acme.test"))
    await made.add(OUT)
    made.name(FOUR, host="out.acme.test")
    return made


async def looked(site: Site) -> CheckFinding:
    found = await site.hour()
    assert found is not None
    return found


async def test_a_name_that_leads_to_the_address_is_well(site: Site) -> None:
    found = await looked(site)
    assert (found.status, found.detail) == (CheckStatus.OK, "")


async def test_a_name_that_leads_elsewhere_is_a_warning_with_what_to_do(site: Site) -> None:
    site.name(FOUR, host="host1.provider.test")
    site.zone.zone["out.acme.test"] = {"A": ["192.0.2.99"]}
    found = await looked(site)
    assert found.status is CheckStatus.WARNING
    assert found.detail.startswith(
        f"It introduces itself as out.acme.test, which does not lead to {FOUR}"
    )
    assert "`posthorn source set out --ehlo NAME`" in found.detail


async def test_another_reverse_name_is_a_warning(site: Site) -> None:
    site.name(FOUR, host="host1.provider.test")
    found = await looked(site)
    assert (found.status, found.detail) == (
        CheckStatus.WARNING,
        f"host1.provider.test is the reverse name of {FOUR}, and it introduces itself as"
        " out.acme.test: make them the same name.",
    )


async def test_without_a_name_of_its_own_it_is_the_hosts(site: Site) -> None:
    await site.add(EgressSource("other", address="192.0.2.8"))
    site.name("192.0.2.8", host="mail.acme.test")
    await looked(site)
    other = await site.finding("source:default/other")
    assert other is not None
    assert other.status is CheckStatus.OK


async def test_what_the_dns_does_not_tell_changes_nothing(site: Site) -> None:
    site.name(FOUR, host="host1.provider.test")
    before = await looked(site)
    resolver = site.program[ScriptedResolver]
    resolver.fail("out.acme.test")
    after = await looked(site)
    assert (after.status, after.detail) == (before.status, before.detail)
    resolver.heal("out.acme.test")
    site.name(FOUR, host="out.acme.test")
    assert (await looked(site)).status is CheckStatus.OK
