"""Sending domains: adding them with keys of their own, saying what to publish, checking what was published.

A private key exists in clear only between its making and its sealing. Checking a domain never takes back a proof of
ownership, and a name server that cannot be asked changes nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.dns import records
from chalicelib.domain.dns.records import DnsNames, DnsRecord, Finding, Purpose, RecordStatus
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import NotFound, wrong_field
from chalicelib.domain.ids import random_alphanumerics, random_letters
from chalicelib.domain.mail.dkim import ALGORITHMS
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.owners import of_domain_owner
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.name_servers import NameServers
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.published import look_at

IDENTIFIER_LETTERS = 6
TOKEN_LENGTH = 32
WRONG_NAME = "The domain name is not valid: it has letters, digits, - and . only"

Owner = Server | Organization


@dataclass(frozen=True, slots=True)
class Verification:
    """The domain after a check, and what was found at each record."""

    domain: Domain
    findings: tuple[Finding, ...]


class Domains:
    """Sending domains of servers and organizations (contract sections 1.5 and 8)."""

    def __init__(
        self,
        repository: Repository,
        vault: KeyVault,
        keys: KeyMaker,
        name_servers: NameServers,
        clock: Clock,
        rand: Rand,
        settings: Settings,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._keys = keys
        self._name_servers = name_servers
        self._clock = clock
        self._rand = rand
        self.names = DnsNames(
            return_path_domain=settings.return_path_domain,
            return_path_prefix=settings.custom_return_path_prefix,
            dkim_identifier=settings.dkim_identifier,
            verify_prefix=settings.domain_verify_prefix,
            spf_include=settings.spf_include,
        )

    async def add(self, owner: Owner, name: str, *, use_for_any: bool = False) -> Domain:
        """Add a domain with an RSA-2048 and an Ed25519 key. InvalidRequest for what is no domain name or for
        `use_for_any` on an organization's domain; Conflict when the owner has the domain already."""
        name = typed_name(name) or ""
        if not records.is_domain_name(name):
            raise wrong_field("name", WRONG_NAME)
        if use_for_any and not isinstance(owner, Server):
            raise wrong_field(
                "use_for_any", "Only a server's own domain can be used for any address"
            )
        organization_id, server_id = _ids(owner)
        identifier = random_letters(self._rand.bytes(16), IDENTIFIER_LETTERS)
        domain = Domain(
            name=name,
            organization_id=organization_id,
            server_id=server_id,
            uuid=new_uuid(self._rand.bytes(16)),
            created_at=int(self._clock.now()),
            verification_token=random_alphanumerics(self._rand.bytes(48), TOKEN_LENGTH),
            dkim_identifier=identifier,
            keys=tuple([await self._make_key(name, identifier, each) for each in ALGORITHMS]),
            use_for_any=use_for_any,
        )
        await self._repository.add(DOMAINS, domain)
        return domain

    async def owned_by(self, owner: Owner) -> list[Domain]:
        """The owner's own domains by name; a server's list has none of its organization."""
        return await self._repository.all(DOMAINS, of_domain_owner(*_ids(owner)))

    async def find(self, owner: Owner, name: str) -> Domain:
        """The owner's domain of this name; NotFound."""
        wanted = typed_name(name) or name.strip()
        for domain in await self.owned_by(owner):
            if domain.name == wanted:
                return domain
        raise NotFound(f"There is no domain {wanted} here")

    async def remove(self, domain: Domain) -> None:
        """Forget a domain and its keys: mail from it is no longer accepted."""
        await self._repository.remove(DOMAINS, domain)

    def records(self, domain: Domain) -> tuple[DnsRecord, ...]:
        """The DNS records to publish for a domain."""
        return records.records_for(domain, self.names)

    async def trust(self, domain: Domain) -> Domain:
        """Take a domain as verified and its records as published, on an administrator's word (contract 1.5)."""
        now = int(self._clock.now())
        return await self._repository.modify(
            DOMAINS,
            DOMAINS.place(domain),
            lambda one: replace(
                one, verified_at=one.verified_at or now, dkim_ok=True, return_path_ok=True
            ),
        )

    async def verify(self, domain: Domain) -> Verification:
        """Look at what is published and remember it. `dkim_ok` needs every key's record."""
        wanted = self.records(domain)
        looks = (look_at(self._name_servers, record) for record in wanted)
        findings = tuple(await asyncio.gather(*looks))
        is_owned = _status(findings, Purpose.OWNERSHIP) is RecordStatus.OK
        now = int(self._clock.now()) if is_owned else None

        def checked(one: Domain) -> Domain:
            return replace(
                one,
                verified_at=one.verified_at or now,
                dkim_ok=_after(one.dkim_ok, findings, {Purpose.DKIM_RSA, Purpose.DKIM_ED25519}),
                return_path_ok=_after(one.return_path_ok, findings, {Purpose.RETURN_PATH}),
            )

        found = await self._repository.modify(DOMAINS, DOMAINS.place(domain), checked)
        return Verification(found, findings)

    async def _make_key(self, domain: str, identifier: str, algorithm: str) -> DkimKey:
        private, public = await self._keys.make(algorithm)
        selector = records.selector(self.names, identifier, algorithm)
        bare = DkimKey(domain, selector, algorithm, b"", public)
        return replace(bare, wrapped=await self._vault.seal(private, bare.context))


def _status(findings: tuple[Finding, ...], purpose: Purpose) -> RecordStatus:
    return next(finding.status for finding in findings if finding.purpose is purpose)


def _after(before: bool, findings: tuple[Finding, ...], purposes: set[Purpose]) -> bool:
    """True when all the records are right, False when one is wrong, as before when that cannot be said."""
    statuses = [finding.status for finding in findings if finding.purpose in purposes]
    if RecordStatus.MISSING in statuses or RecordStatus.INVALID in statuses:
        return False
    return before if RecordStatus.UNKNOWN in statuses else bool(statuses)


def _ids(owner: Owner) -> tuple[OrganizationId, ServerId | None]:
    if isinstance(owner, Server):
        return owner.organization_id, owner.id
    return owner.id, None
