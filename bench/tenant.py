"""The one customer of the benchmarks that relay mail.

An organization, a server, a trusted domain with both DKIM keys, credentials for SMTP and HTTP, and a way out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

DOMAIN = "demo.test"
SENDER = f"sender@{DOMAIN}"
DIRECT = EgressSource("default")


@dataclass(frozen=True, slots=True)
class Tenant:
    """The customer, and the keys that let a client in over SMTP and HTTP."""

    server: Server
    principal: Principal
    smtp_key: str
    api_key: str


async def make_tenant(
    program: Posthorn, way_out: EgressSource = DIRECT, *, algorithms: tuple[str, ...] = ()
) -> Tenant:
    """Set a fresh installation up. `algorithms` limits the signatures made to these."""
    await program[Installation].ensure()
    server = await program[Servers].create(await program[Organizations].create("Bench"), "Bench")
    domain = await program[Domains].trust(await program[Domains].add(server, DOMAIN))
    if algorithms:
        keys = tuple(key for key in domain.keys if key.algorithm in algorithms)
        assert len(keys) == len(algorithms)
        await program[Repository].replace(DOMAINS, replace(domain, keys=keys))
    smtp, smtp_key = await program[Credentials].create(server, CredentialKind.SMTP, "smtp")
    _, api_key = await program[Credentials].create(server, CredentialKind.API, "api")
    await program[Repository].add(SOURCES, way_out)
    return Tenant(server, Principal(server, smtp), smtp_key, api_key)
