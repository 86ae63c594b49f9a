"""A domain is added with two sealed keys, published, checked against DNS, and then signs and authorises."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, InvalidRequest, NotFound
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.findings import Purpose, RecordStatus
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.domain_checks import Checked, DomainChecks
from chalicelib.services.tenancy.domain_states import DomainStates
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests import published

SETTINGS = Settings(return_path_domain="rp.ph.example", spf_include="spf.ph.example")


class NumberedKeys:
    """A `KeyMaker` whose keys are texts, to keep the tests fast; the real one has tests of its own."""

    def __init__(self) -> None:
        self.made = 0

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        self.made += 1
        await asyncio.sleep(0)
        return f"private {algorithm} {self.made}".encode(), f"public{self.made}"


@pytest.fixture
def app() -> Posthorn:
    return in_memory(SETTINGS, {KeyMaker: NumberedKeys()})


@pytest.fixture
def domains(app: Posthorn) -> Domains:
    return app[Domains]


@pytest.fixture
def checks(app: Posthorn) -> DomainChecks:
    return app[DomainChecks]


@pytest.fixture
async def server(app: Posthorn) -> Server:
    owner = await app[Organizations].create("Acme")
    return await app[Servers].create(owner, "Mail")


def publish(resolver: ScriptedResolver, domains: Domains, domain: Domain) -> None:
    """Put every record of the domain into the zone."""
    published.publish(resolver, domains.records(domain))


def statuses(outcome: Checked) -> dict[Purpose, RecordStatus]:
    return {finding.purpose: finding.status for finding in outcome.findings}


async def test_a_new_domain_has_two_sealed_keys_and_is_not_verified(
    domains: Domains, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, " Example.COM. ")
    assert domain.name == "example.com"
    assert domain.verified_at is None
    assert not domain.dkim_ok
    assert len(domain.verification_token) == 32
    rsa, ed = domain.keys
    assert (rsa.algorithm, ed.algorithm) == ("rsa-sha256", "ed25519-sha256")
    assert rsa.selector == f"posthorn-{domain.dkim_identifier}"
    assert ed.selector == f"posthorn-{domain.dkim_identifier}-ed"
    assert len(domain.dkim_identifier) == 6
    assert domain.dkim_identifier.isalpha()
    for key in domain.keys:
        assert b"private" not in key.wrapped
        assert (await app[KeyVault].open(key.wrapped, key.context)).startswith(b"private")


@pytest.mark.parametrize(
    "name",
    ["", "localhost", "a..b", "-a.com", "a-.com", "a_b.com", "a.com/x", "b-ü-.example", "xn--a.example", "1.2.3.4",
     "a" * 64 + ".com", ".".join(["a" * 60] * 5), "a.com\r\nb.com", "a b.com", "@a.com"],
)  # fmt: skip
async def test_what_is_no_domain_name_is_refused(
    domains: Domains, server: Server, name: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await domains.add(server, name)
    assert refused.value.errors[0].pointer == "/name"
    assert await domains.owned_by(server) == []


async def test_a_name_beyond_ascii_is_kept_and_found_as_it_is_published(
    domains: Domains, server: Server
) -> None:
    added = await domains.add(server, " STRAßE.example. ")
    assert added.name == "xn--strae-oqa.example"
    for name in ("straße.example", "Straße。example", "XN--STRAE-OQA.example"):
        assert await domains.find(server, name) == added
        with pytest.raises(Conflict):
            await domains.add(server, name)
    with pytest.raises(NotFound):
        await domains.find(server, "strasse.example")


async def test_a_domain_is_unique_for_each_owner_only(
    app: Posthorn, domains: Domains, server: Server
) -> None:
    organization = await app[Organizations].get("acme")
    mine = await domains.add(server, "example.com")
    shared = await domains.add(organization, "example.com")
    assert mine.keys != shared.keys
    with pytest.raises(Conflict):
        await domains.add(server, "example.com")
    assert await domains.find(server, "EXAMPLE.com") == mine
    assert await domains.find(organization, "example.com") == shared


async def test_use_for_any_needs_a_server(app: Posthorn, domains: Domains, server: Server) -> None:
    organization = await app[Organizations].get("acme")
    with pytest.raises(InvalidRequest):
        await domains.add(organization, "example.com", use_for_any=True)
    assert (await domains.add(server, "example.com", use_for_any=True)).use_for_any


async def test_a_published_domain_is_verified(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    assert await app[Directory].verified_domain(server, "example.com") is None
    publish(app[ScriptedResolver], domains, domain)
    outcome = await checks.check(domain)
    assert set(statuses(outcome).values()) == {RecordStatus.OK}
    assert outcome.domain.verified_at == int(app[ControlledClock].now())
    assert outcome.domain.dkim_ok
    assert outcome.domain.return_path_ok
    assert await app[Directory].verified_domain(server, "example.com") == outcome.domain


async def test_an_unpublished_domain_is_told_what_is_missing(
    domains: Domains, checks: DomainChecks, server: Server
) -> None:
    outcome = await checks.check(await domains.add(server, "example.com"))
    assert set(statuses(outcome).values()) == {RecordStatus.MISSING}
    assert outcome.domain.verified_at is None
    texts = {finding.purpose: finding.text for finding in outcome.findings}
    assert texts[Purpose.SPF] == "No SPF record exists for this domain"
    assert texts[Purpose.RETURN_PATH] == "There is no return path record at psrp.example.com"


async def test_without_its_record_the_second_key_does_not_sign_and_the_first_does(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    publish(app[ScriptedResolver], domains, domain)
    del app[ScriptedResolver].zone[f"{domain.keys[1].selector}._domainkey.example.com"]
    outcome = await checks.check(domain)
    assert statuses(outcome)[Purpose.DKIM_RSA] is RecordStatus.OK
    assert statuses(outcome)[Purpose.DKIM_ED25519] is RecordStatus.MISSING
    assert outcome.domain.verified_at is not None
    assert outcome.domain.dkim_ok
    assert outcome.domain.signing_keys == outcome.domain.keys[:1]
    assert (await checks.check(domain)).state.records_ok
    del app[ScriptedResolver].zone[f"{domain.keys[0].selector}._domainkey.example.com"]
    outcome = await checks.check(domain)
    assert not outcome.domain.dkim_ok
    assert outcome.domain.signing_keys == ()


async def test_ownership_once_proven_stays_but_the_rest_follows_dns(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    publish(app[ScriptedResolver], domains, domain)
    verified = (await checks.check(domain)).domain
    app[ScriptedResolver].zone.clear()
    later = (await checks.check(verified)).domain
    assert later.verified_at == verified.verified_at
    assert not later.dkim_ok
    assert not later.return_path_ok
    assert await domains.find(server, "example.com") == later


async def test_a_name_server_that_is_away_changes_nothing(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    publish(app[ScriptedResolver], domains, domain)
    verified = (await checks.check(domain)).domain
    for record in domains.records(domain):
        app[ScriptedResolver].fail(record.name)
    outcome = await checks.check(verified)
    assert outcome.domain == verified
    assert set(statuses(outcome).values()) == {RecordStatus.UNKNOWN}


async def test_a_trusted_domain_needs_no_dns(
    domains: Domains, server: Server, app: Posthorn
) -> None:
    trusted = await domains.trust(await domains.add(server, "example.com"))
    assert trusted.verified_at is not None
    assert trusted.dkim_ok
    assert trusted.return_path_ok
    assert await app[Directory].verified_domain(server, "example.com") == trusted
    assert app[ScriptedResolver].asked == []


async def test_a_removed_domain_authorises_nothing(
    domains: Domains, server: Server, app: Posthorn
) -> None:
    trusted = await domains.trust(await domains.add(server, "example.com"))
    await domains.remove(trusted)
    assert await app[Directory].verified_domain(server, "example.com") is None
    with pytest.raises(NotFound):
        await domains.find(server, "example.com")


async def test_the_installation_is_set_up_once_however_many_start(app: Posthorn) -> None:
    def service() -> Installation:
        return Installation(
            app[Repository],
            app[Directory],
            app[KeyVault],
            NumberedKeys(),
            app[Rand],
            SETTINGS,
        )

    made = await asyncio.gather(*(service().ensure() for _ in range(6)))
    assert all(each == made[0] for each in made)
    key = made[0].signing_key
    assert (key.domain, key.selector) == ("rp.ph.example", "posthorn")
    assert len(await app[KeyVault].open(made[0].sealed_mac_key, made[0].mac_context)) == 32
    assert await service().ensure() == made[0]


async def test_a_published_key_that_was_exchanged_is_invalid(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    publish(app[ScriptedResolver], domains, domain)
    other = replace(domain, keys=tuple(replace(key, public="other") for key in domain.keys))
    outcome = await checks.check(other)
    assert statuses(outcome)[Purpose.DKIM_RSA] is RecordStatus.INVALID


async def test_a_check_of_a_domain_that_was_made_anew_meanwhile_proves_nothing(
    domains: Domains, checks: DomainChecks, server: Server, app: Posthorn
) -> None:
    domain = await domains.add(server, "example.com")
    publish(app[ScriptedResolver], domains, domain)
    check = await checks.look(domain)
    await domains.remove(domain)
    with pytest.raises(NotFound):
        await checks.remember(domain, check)
    again = await domains.add(server, "example.com")
    with pytest.raises(NotFound):
        await checks.remember(domain, check)
    assert await domains.find(server, "example.com") == again
    assert (await app[DomainStates].of(again)).checked_at is None
