"""What the hourly look finds of the addresses that mail leaves from, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.pools.look_at_sources import OutwardAddresses
from chalicelib.services.pools.sources import Sources
from tests.integration.pools.conftest import Make

FOUR, SIX = "192.0.2.7", "2001:db8::7"
NO_FOUR, NO_SIX = f"{FOUR} has no reverse name.", f"{SIX} has no reverse name."
BOTH = EgressSource("out", address=FOUR, address6=SIX)


@dataclass
class Site:
    """An installation with sources, and its DNS."""

    program: Posthorn

    @property
    def zone(self) -> ScriptedResolver:
        return self.program[ScriptedResolver]

    async def add(self, *sources: EgressSource) -> None:
        for one in sources:
            await self.program[Repository].add(SOURCES, one)

    def name(self, *addresses: str, host: str = "mail.acme.test", leads_to: str = "") -> None:
        """Give addresses this reverse name, which leads back to all that have one."""
        for one in addresses:
            self.zone.zone[one] = {"PTR": [host]}
        back = [leads_to] if leads_to else list(addresses)
        self.zone.zone[host] = {
            "A": [one for one in back if ":" not in one],
            "AAAA": [one for one in back if ":" in one],
        }

    def unname(self, *addresses: str) -> None:
        for one in addresses:
            self.zone.zone.pop(one, None)

    async def hour(self) -> CheckFinding | None:
        """Let an hour pass and look; what was found of the first source."""
        self.program[ControlledClock].advance(3_600)
        await self.program[CheckInstallation].run()
        return await self.finding("source:default/out")

    async def finding(self, name: str) -> CheckFinding | None:
        found = {one.name: one for one in await self.program[CheckInstallation].findings()}
        return found.get(name)

    async def source(self, name: str = "out") -> EgressSource:
        return await self.program[Sources].find(name)

    async def unused(self, name: str = "out") -> tuple[str, str]:
        source = await self.source(name)
        return source.unused4, source.unused6


@pytest.fixture
def site(make: Make) -> Site:
    return Site(make())


async def test_a_family_without_a_name_is_not_used_until_it_has_one(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    found = await site.hour()
    assert found is not None
    assert (found.status, found.detail) == (
        CheckStatus.WARNING,
        f"{NO_SIX} Mail does not leave by IPv6.",
    )
    assert await site.unused() == ("", NO_SIX)
    looked_at = (await site.source()).looked_at
    assert looked_at == site.program[ControlledClock].now()
    await site.hour()
    assert (await site.source()).looked_at == looked_at, "what stays so is not written again"

    site.name(FOUR, SIX)
    found = await site.hour()
    assert found is not None
    assert (found.status, found.detail) == (CheckStatus.OK, "")
    assert await site.unused() == ("", "")


async def test_without_a_name_for_ipv4_those_who_have_it_alone_wait_and_it_is_loud(
    site: Site,
) -> None:
    await site.add(BOTH)
    site.name(SIX)
    found = await site.hour()
    assert found is not None
    assert found.status is CheckStatus.FAILING
    assert await site.unused() == (NO_FOUR, "")


async def test_when_both_fail_both_are_used_and_it_is_loud(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    await site.hour()
    site.unname(FOUR)
    found = await site.hour()
    assert found is not None
    assert (found.status, found.detail) == (CheckStatus.FAILING, f"{NO_FOUR} {NO_SIX}")
    told = await site.program[Metrics].text()
    assert 'posthorn_check_status{check="source:default/out"} 2\n' in told
    assert await site.unused() == ("", "")


async def test_a_name_that_leads_elsewhere_is_none(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    site.name(SIX, host="isp.test", leads_to="2001:db8::99")
    await site.hour()
    wrong = f"isp.test, the reverse name of {SIX}, does not lead back to it."
    assert await site.unused() == ("", wrong)


async def test_one_of_several_names_is_enough(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR, SIX)
    for one in (FOUR, SIX):
        site.zone.zone[one] = {"PTR": ["gone.test", "mail.acme.test"]}
    found = await site.hour()
    assert found is not None
    assert found.status is CheckStatus.OK


async def test_an_address_leads_back_however_it_is_written(site: Site) -> None:
    await site.add(replace(BOTH, address6="2001:DB8:0:0::7"))
    site.name(FOUR, SIX)
    await site.hour()
    assert await site.unused() == ("", "")


async def test_trouble_with_dns_changes_nothing(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    before = await site.hour()
    kept = await site.unused()
    site.name(FOUR, SIX)
    for trouble in ((FOUR, SIX), (SIX,), ("mail.acme.test",)):
        for name in trouble:
            site.zone.fail(name)
        found = await site.hour()
        assert await site.unused() == kept
        assert found is not None and before is not None
        assert (found.status, found.detail) == (before.status, before.detail)
        for name in trouble:
            site.zone.heal(name)
    await site.hour()
    assert await site.unused() == ("", "")


async def test_what_was_used_stays_used_while_dns_is_silent(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR, SIX)
    await site.hour()
    site.unname(FOUR, SIX)
    for trouble in ((FOUR,), (SIX,)):
        site.zone.fail(trouble[0])
        await site.hour()
        assert await site.unused() == ("", ""), "no family is known to be good"
        site.zone.heal(trouble[0])


async def test_trouble_of_one_source_leaves_the_others_alone(site: Site) -> None:
    bad = EgressSource("bad", address="192.0.2.66", address6="2001:db8::66")
    await site.add(bad, BOTH, EgressSource("far", "bulk", address=FOUR, address6=SIX))
    site.name(FOUR)
    site.zone.fail("192.0.2.66")
    site.zone.fail("2001:db8::66")
    await site.hour()
    assert await site.unused("bad") == ("", "")
    assert await site.finding("source:default/bad") is None
    assert await site.unused("out") == await site.unused("far") == ("", NO_SIX)


async def test_our_own_names_in_trouble_keep_no_source_from_being_looked_at(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    site.zone.fail(site.program.settings.spf_include)
    found = await site.hour()
    assert await site.unused() == ("", NO_SIX)
    assert await site.finding("dns") is None
    # Asked again each minute, the sources are not.
    asked = len(site.zone.asked)
    for _ in range(3):
        site.program[ControlledClock].advance(60)
        await site.program[CheckInstallation].run()
    assert ("PTR", FOUR) not in site.zone.asked[asked:]
    assert await site.finding("source:default/out") == found


@pytest.mark.parametrize(
    ("four", "six", "unused6"),
    [
        ("10.0.0.7", SIX, NO_SIX),  # a router replaces it
        (FOUR, "fd00::7", ""),
        ("127.0.0.1", "::1", ""),
        ("169.254.1.1", "fe80::1", ""),
        ("192.0.0.4", SIX, NO_SIX),  # IPv4 of a host that has IPv6 alone
        ("240.1.2.3", "fec0::1", ""),
    ],
)
async def test_addresses_that_nobody_outside_sees_are_left_alone(
    site: Site, four: str, six: str, unused6: str
) -> None:
    await site.add(replace(BOTH, address=four, address6=six))
    await site.hour()
    assert await site.unused() == ("", unused6)
    asked = {name for kind, name in site.zone.asked if kind == "PTR"}
    assert asked == {one for one in (four, six) if one in (FOUR, SIX)}


@pytest.mark.parametrize(
    "names",
    [
        ["\\000\\255evil\\010.test"],
        ["x" * 63 + "." + "y" * 63 + "." + "z" * 63 + ".test"],
        [f"name{number}.test" for number in range(400)],
        ["192.0.2.7"],
        ["<script>alert(1)</script>.test"],
        ["localhost"],
        ["."],
        [""],
        ["loop.test"],
    ],
    ids=["octets", "long", "many", "address", "markup", "localhost", "root", "empty", "loop"],
)
async def test_a_reverse_name_that_is_nonsense_is_no_name(site: Site, names: list[str]) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    site.zone.zone[SIX] = {"PTR": names}
    site.zone.zone["loop.test"] = {"CNAME": ["pool.test"]}
    site.zone.zone["pool.test"] = {"CNAME": ["loop.test"]}
    found = await site.hour()
    _, unused6 = await site.unused()
    assert unused6
    assert len(unused6) < 400
    assert unused6.isprintable()
    assert "<" not in unused6
    assert found is not None
    assert found.status is CheckStatus.WARNING
    asked = [name for kind, name in site.zone.asked if kind == "A" and name.startswith("name")]
    assert len(set(asked)) <= 10


async def test_a_reverse_name_that_is_an_alias_of_itself_ends(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    site.zone.zone[SIX] = {"CNAME": ["again.test"]}
    site.zone.zone["again.test"] = {"CNAME": ["again.test"]}
    await site.hour()
    assert await site.unused() == ("", NO_SIX)


async def test_ignored_names_are_told_and_nothing_more(make: Make) -> None:
    site = Site(make(reverse_names="ignore"))
    await site.add(replace(BOTH, unused6="It was so before the setting."))
    site.name(FOUR)
    found = await site.hour()
    assert await site.unused() == ("", "")
    assert found is not None
    assert (found.status, found.detail) == (CheckStatus.WARNING, NO_SIX)


async def test_another_address_is_judged_anew(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    await site.hour()
    sources = site.program[Sources]
    await sources.update(await site.source(), {"priority": 7})
    assert await site.unused() == ("", NO_SIX)
    await sources.update(await site.source(), {"address6": "2001:db8::8"})
    assert await site.unused() == ("", "")
    await site.hour()
    assert await site.unused() == ("", "2001:db8::8 has no reverse name.")


async def test_another_kind_is_judged_anew(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OutwardAddresses, "found", lambda _: (FOUR, SIX))
    site = Site(make())
    await site.add(EgressSource("out"))
    site.name(FOUR)
    await site.hour()
    assert await site.unused() == ("", NO_SIX)
    sources = site.program[Sources]
    by_proxy = {"kind": EgressKind.SOCKS5, "host": "proxy.test", "port": 1080}
    await sources.update(await site.source(), by_proxy)
    assert await site.unused() == ("", ""), "the proxy leaves from addresses of its own"


async def test_an_ipv4_address_over_ipv6_stays_in_use(site: Site) -> None:
    await site.add(replace(BOTH, address="192.0.0.4"))
    site.name(SIX)
    await site.hour()
    assert await site.unused() == ("", "")


async def test_a_change_meanwhile_is_not_undone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    whole, sources = site.zone.ptr, site.program[Sources]

    async def ptr(address: str, **more: bool) -> tuple[str, ...]:
        if address == SIX:
            await sources.update(await site.source(), {"address6": ""})
        return await whole(address, **more)

    monkeypatch.setattr(site.zone, "ptr", ptr)
    await site.hour()
    source = await site.source()
    assert (source.address6, source.unused6) == ("", "")


async def test_a_source_that_goes_takes_its_finding_along(site: Site) -> None:
    await site.add(BOTH, EgressSource("other", address="192.0.2.8"))
    await site.hour()
    assert await site.finding("source:default/other") is not None
    await site.program[Sources].remove(await site.source("other"))
    await site.hour()
    assert await site.finding("source:default/other") is None
    assert await site.finding("source:default/out") is not None


async def test_only_those_that_send_from_an_address_are_looked_at(site: Site) -> None:
    relay = EgressSource(
        "relay", kind=EgressKind.SMARTHOST, host="smtp.test", port=587, address=FOUR
    )
    proxied = EgressSource("out", kind=EgressKind.SOCKS5, host="p.test", port=1080, address=FOUR)
    await site.add(relay, proxied, EgressSource("system"))
    found = await site.hour()
    assert found is not None
    assert (found.status, found.detail) == (CheckStatus.FAILING, NO_FOUR)
    for name in ("relay", "system"):
        assert await site.finding(f"source:default/{name}") is None


async def test_the_systems_choice_is_looked_at_where_it_is_known(make: Make) -> None:
    class Outward(OutwardAddresses):
        def found(self) -> tuple[str, ...]:
            return (FOUR, SIX)

    site = Site(make({OutwardAddresses: Outward()}))
    await site.add(EgressSource("out"))
    site.name(FOUR)
    await site.hour()
    assert await site.unused() == ("", NO_SIX)


async def test_the_spf_record_covers_the_addresses_of_both_families(make: Make) -> None:
    site = Site(make(spf_include="spf.acme.test"))
    await site.add(BOTH)
    site.name(FOUR, SIX)
    covered = f"ip4:{FOUR}", f"ip6:{SIX}", "a:mail.acme.test", "include:more.test"
    site.zone.zone["more.test"] = {"TXT": [f"v=spf1 ip4:{FOUR} ip6:{SIX} ?all"]}
    for terms, missing in (
        (covered, ()),
        (covered[2:3], ()),
        (covered[3:], ()),
        (covered[:1], (SIX,)),
        (covered[1:2], (FOUR,)),
        ((), (FOUR, SIX)),
        (("nonsense:",), (FOUR, SIX)),
    ):
        site.zone.zone["spf.acme.test"] = {"TXT": [" ".join(["v=spf1", *terms, "-all"])]}
        found = await site.hour()
        faults = [f"The SPF record of spf.acme.test does not cover {one}." for one in missing]
        assert found is not None
        assert found.detail == " ".join(faults), terms
        assert found.status is (CheckStatus.WARNING if missing else CheckStatus.OK)
        assert await site.unused() == ("", "")


async def test_an_spf_record_that_is_not_told_or_not_there_is_no_fault_of_a_source(
    make: Make,
) -> None:
    site = Site(make(spf_include="spf.acme.test"))
    await site.add(BOTH, EgressSource("inner", address="10.0.0.1"))
    site.name(FOUR, SIX)
    for _ in range(2):
        found = await site.hour()
        assert found is not None
        assert found.status is CheckStatus.OK
        site.zone.fail("spf.acme.test")
    site.zone.heal("spf.acme.test")
    site.zone.zone["spf.acme.test"] = {"TXT": ["v=spf1 include:spf.acme.test -all"]}
    found = await site.hour()
    assert found is not None
    assert found.status is CheckStatus.WARNING, "it loops"
    inner = await site.finding("source:default/inner")
    assert inner is not None
    assert inner.status is CheckStatus.OK


async def test_what_is_found_is_no_entry_of_the_audit_log(site: Site) -> None:
    await site.add(BOTH)
    site.name(FOUR)
    repository = site.program[Repository]
    before = await repository.all(AUDIT_ENTRIES, of_chain(None))
    await site.hour()
    assert await site.unused() == ("", NO_SIX)
    assert await repository.all(AUDIT_ENTRIES, of_chain(None)) == before
