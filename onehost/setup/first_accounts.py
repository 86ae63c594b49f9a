"""The first organization, mail server, domain and credentials of an installation, made once.

Whoever has a credential is set up: then nothing is made or changed. What an interrupted run left is used.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import Conflict
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.scopes import EVERYTHING
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names of what is made; no domain when it is empty."""

    organization: str
    server: str
    domain: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """What there is. The keys are there only for those who have just made them."""

    key: DkimKey
    servers: tuple[Server, ...]
    domains: tuple[Domain, ...]
    smtp_key: str | None = None
    api_key: str | None = None
    management_key: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether this run made the credentials."""
        return self.smtp_key is not None


async def accounts(program: Posthorn) -> Accounts | None:
    """What there is; None when the installation has no credential yet."""
    servers = await _servers(program)
    credentials = [one for server in servers for one in await program[Credentials].of(server)]
    if not credentials:
        return None
    owned = [one for server in servers for one in await program[Domains].owned_by(server)]
    for organization in await program[Organizations].all():
        owned += await program[Domains].owned_by(organization)
    installation = await program[Installation].ensure()
    return Accounts(installation.signing_key, tuple(servers), tuple(owned))


async def make_accounts(program: Posthorn, wanted: Wanted) -> Accounts:
    """Make what is missing; MailError for a name that cannot be used."""
    installation = await program[Installation].ensure()
    with contextlib.suppress(Conflict):  # an interrupted run has made it
        await program[Repository].add(SOURCES, EgressSource(name="default"))
    organization = await _organization(program, wanted.organization)
    servers = await program[Servers].of(organization)
    server = servers[0] if servers else await program[Servers].create(organization, wanted.server)
    domains = await program[Domains].owned_by(server)
    if wanted.domain and not domains:
        domains = [await program[Domains].add(server, wanted.domain)]
    credentials = program[Credentials]
    _, smtp_key = await credentials.create(server, CredentialKind.SMTP, "first SMTP")
    _, api_key = await credentials.create(server, CredentialKind.API, "first API")
    _, management_key = await program[ManagementKeys].create(
        None, "first", KeyOptions((EVERYTHING,)), "posthorn init"
    )
    keys = (smtp_key, api_key, management_key)
    return Accounts(installation.signing_key, (server,), tuple(domains), *keys)


async def _organization(program: Posthorn, name: str) -> Organization:
    found = await program[Organizations].all()
    return found[0] if found else await program[Organizations].create(name)


async def _servers(program: Posthorn) -> list[Server]:
    owners = await program[Organizations].all()
    return [server for owner in owners for server in await program[Servers].of(owner)]
