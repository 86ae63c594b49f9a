"""Sending domains: adding them with keys of their own, saying what to publish, changing and trusting them.

A private key exists in clear only between its making and its sealing. Looking at DNS is
`chalicelib.services.tenancy.domain_checks`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.dns import records
from chalicelib.domain.dns.records import DnsNames, DnsRecord
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import Conflict, NotFound, Taken, TooMany, wrong_field
from chalicelib.domain.ids import random_alphanumerics, random_letters
from chalicelib.domain.mail.dkim import ALGORITHMS
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import DOMAIN_STATES, DomainState
from chalicelib.domain.tenancy.domains import DOMAINS, Domain, VerificationMethod, VerifiedBy
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.owners import (
    of_domain_owner,
    of_organization,
    of_route_domain,
    of_server,
)
from chalicelib.domain.tenancy.routes import BY_ROUTE_DOMAIN, ROUTES
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, TrackDomain
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.domain_states import DomainStates

IDENTIFIER_LETTERS = 6
TOKEN_LENGTH = 32
MOST_OF_A_SERVER = 500
MOST_OF_AN_ORGANIZATION = 1_000
WRONG_NAME = "The domain name is not valid: it has letters, digits, - and . only"
NOT_ANY = "Only a server's own domain can be used for any address"

Owner = Server | Organization


def checked_domain_name(typed: str) -> str:
    """A domain name as DNS has it, from one as people type it; InvalidRequest for what is none."""
    name = typed_name(typed) or ""
    if not records.is_domain_name(name):
        raise wrong_field("name", WRONG_NAME)
    return name


class Domains:
    """Sending domains of servers and organizations (contract sections 1.5 and 8)."""

    def __init__(
        self,
        repository: Repository,
        states: DomainStates,
        vault: KeyVault,
        keys: KeyMaker,
        clock: Clock,
        rand: Rand,
        settings: Settings,
    ) -> None:
        self._repository = repository
        self._states = states
        self._vault = vault
        self._keys = keys
        self._clock = clock
        self._rand = rand
        self.names = DnsNames(
            return_path_domain=settings.return_path_domain,
            return_path_prefix=settings.custom_return_path_prefix,
            dkim_identifier=settings.dkim_identifier,
            verify_prefix=settings.domain_verify_prefix,
            spf_include=settings.spf_include,
            mx_hosts=settings.mx_host_names,
        )

    async def add(
        self,
        owner: Owner,
        name: str,
        *,
        method: VerificationMethod = VerificationMethod.DNS,
        use_for_any: bool = False,
        incoming: bool = False,
    ) -> Domain:
        """Add a domain with an RSA-2048 and an Ed25519 key. InvalidRequest for what is no domain name or for
        `use_for_any` on an organization's domain; Taken when the owner has the domain already, TooMany when it has as
        many as it may."""
        name = checked_domain_name(name)
        if use_for_any and not isinstance(owner, Server):
            raise wrong_field("use_for_any", NOT_ANY)
        organization_id, server_id = _ids(owner)
        identifier = self._identifier()
        domain = Domain(
            name=name,
            organization_id=organization_id,
            server_id=server_id,
            uuid=new_uuid(self._rand.bytes(16)),
            created_at=int(self._clock.now()),
            verification_token=random_alphanumerics(self._rand.bytes(48), TOKEN_LENGTH),
            dkim_identifier=identifier,
            keys=await self._make_keys(name, identifier),
            use_for_any=use_for_any,
            verification_method=method,
            incoming=incoming,
        )
        try:
            await self._repository.add(DOMAINS, domain, lambda: self._check_room(owner))
        except TooMany:
            raise
        except Conflict as taken:
            raise Taken("name", taken.public) from taken
        return domain

    async def owned_by(self, owner: Owner) -> list[Domain]:
        """The owner's own domains by name; a server's list has none of its organization."""
        return await self._repository.all(DOMAINS, of_domain_owner(*_ids(owner)))

    async def known_to(self, owner: Owner) -> list[Domain]:
        """The domains that an owner may use: a server's own, and its organization's."""
        found = await self.owned_by(owner)
        if isinstance(owner, Server):
            shared = of_organization(owner.organization_id)
            found += await self._repository.all(DOMAINS, shared)
        return found

    async def find(self, owner: Owner, name: str) -> Domain:
        """The owner's own domain of this name; NotFound."""
        organization, server = _ids(owner)
        return await self._found(name, [(organization, server)])

    async def find_known(self, owner: Owner, name: str) -> Domain:
        """The domain of this name that an owner may use, a server's own before its organization's; NotFound."""
        organization, server = _ids(owner)
        return await self._found(name, [(organization, server), (organization, None)])

    async def remove(self, domain: Domain) -> None:
        """Forget a domain, its keys and the track domains of servers that have it from nowhere else: mail from it is no
        longer accepted. Conflict while routes of its owner name it."""
        await self._check_unrouted(domain)
        for track in await self._tracks_of(domain):
            with suppress(NotFound):
                await self._repository.remove(TRACK_DOMAINS, track)
        place = DOMAIN_STATES.place(DomainState.of(domain))
        states = (await self._repository.get_many(DOMAIN_STATES, [place])).values()
        await self._repository.change(
            Change(Verb.REMOVE, DOMAINS, domain),
            *(Change(Verb.REMOVE, DOMAIN_STATES, one) for one in states),
            guard=lambda: self._check_unrouted(domain),
        )

    def records(self, domain: Domain) -> tuple[DnsRecord, ...]:
        """The DNS records to publish for a domain."""
        return records.records_for(domain, self.names)

    async def change(self, domain: Domain, **changes: Any) -> Domain:
        """Change `use_for_any` or `incoming`. InvalidRequest for the first on an organization's domain."""
        if changes.get("use_for_any") and domain.server_id is None:
            raise wrong_field("use_for_any", NOT_ANY)
        return await self._repository.modify(
            DOMAINS, DOMAINS.place(domain), lambda one: replace(one, **changes)
        )

    async def trust(self, domain: Domain) -> Domain:
        """Take a domain as verified and its records as published, on an administrator's word (contract 1.5)."""
        now = int(self._clock.now())

        def trusted(one: Domain) -> Domain:
            return replace(
                one,
                verified_at=one.verified_at or now,
                verified_by=VerifiedBy.OPERATOR,
                dkim_ok=True,
                return_path_ok=True,
                keys=tuple(replace(key, ok=True) for key in one.keys),
            )

        found = await self._repository.modify(DOMAINS, DOMAINS.place(domain), trusted)
        await self._states.change(
            found,
            lambda one: replace(one, records_ok=True, missing_since=None, missing_checks=0),
        )
        return found

    async def rotate(self, domain: Domain) -> Domain:
        """Make the next keys, which sign when both are published. Conflict while there are some."""
        if domain.next_keys:
            raise _rotating()
        made = await self._make_keys(domain.name, self._identifier())

        def rotating(one: Domain) -> Domain:
            if one.next_keys:
                raise _rotating()
            return replace(one, next_keys=made)

        return await self._repository.modify(DOMAINS, DOMAINS.place(domain), rotating)

    async def _tracks_of(self, domain: Domain) -> list[TrackDomain]:
        """The track domains that would be of no domain without this one."""
        organization = of_organization(domain.organization_id)
        if domain.server_id is not None:
            ids, other = [domain.server_id], Place(organization, domain.name)
            if await self._repository.get_many(DOMAINS, [other]):
                return []
        else:
            ids = [one.id for one in await self._repository.all(SERVERS, organization)]
        places = [Place(of_server(one), domain.name) for one in ids]
        tracks = await self._repository.get_many(TRACK_DOMAINS, places)
        own = {} if domain.server_id else await self._repository.get_many(DOMAINS, places)
        return [track for place, track in tracks.items() if place not in own]

    async def _found(
        self, name: str, owners: list[tuple[OrganizationId, ServerId | None]]
    ) -> Domain:
        wanted = typed_name(name) or name.strip()
        places = [Place(of_domain_owner(*one), wanted) for one in owners]
        found = await self._repository.get_many(DOMAINS, list(dict.fromkeys(places)))
        for place in places:
            if place in found:
                return found[place]
        raise NotFound(f"There is no domain {wanted} here")

    async def _check_unrouted(self, domain: Domain) -> None:
        named = await self._repository.all(ROUTES, of_route_domain(domain.name), BY_ROUTE_DOMAIN)
        places = {Place(of_server(one.server_id)) for one in named}
        servers = (await self._repository.get_many(SERVERS, sorted(places, key=str))).values()
        if any(_may_use(domain, one) for one in servers):
            raise Conflict(f"Routes name {domain.name}: remove them first")

    async def _check_room(self, owner: Owner) -> None:
        is_server = isinstance(owner, Server)
        most = MOST_OF_A_SERVER if is_server else MOST_OF_AN_ORGANIZATION
        if len(await self.owned_by(owner)) >= most:
            who = "A server" if is_server else "An organization"
            raise TooMany(f"{who} has at most {most} domains")

    def _identifier(self) -> str:
        return random_letters(self._rand.bytes(16), IDENTIFIER_LETTERS)

    async def _make_keys(self, domain: str, identifier: str) -> tuple[DkimKey, ...]:
        return tuple([await self._make_key(domain, identifier, each) for each in ALGORITHMS])

    async def _make_key(self, domain: str, identifier: str, algorithm: str) -> DkimKey:
        private, public = await self._keys.make(algorithm)
        selector = records.selector(self.names, identifier, algorithm)
        now = int(self._clock.now())
        bare = DkimKey(domain, selector, algorithm, b"", public, created_at=now)
        return replace(bare, wrapped=await self._vault.seal(private, bare.context))


def _may_use(domain: Domain, server: Server) -> bool:
    if domain.server_id is not None:
        return domain.server_id == server.id
    return domain.organization_id == server.organization_id


def _rotating() -> Conflict:
    return Conflict("This domain has next keys already: publish them, then check it")


def _ids(owner: Owner) -> tuple[OrganizationId, ServerId | None]:
    if isinstance(owner, Server):
        return owner.organization_id, owner.id
    return owner.id, None
