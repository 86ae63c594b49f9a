"""A tenant in an installation that runs on AWS adapters: what a test needs to send one message."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy import CredentialKind, EgressSource, Server
from chalicelib.ports.accounts import Accounts
from chalicelib.services.accounts import ServerOptions, Tenants
from chalicelib.services.domains import Domains
from chalicelib.services.installation import Installation

SOON = ServerOptions(retry_schedule="1s*5")


async def make_tenant(
    program: Posthorn, kind: CredentialKind, options: ServerOptions = SOON
) -> tuple[Server, str]:
    """Acme's server App, which may send from acme.test, and the key of one credential."""
    await program[Installation].ensure()
    organization = await program[Tenants].create_organization("Acme")
    server = await program[Tenants].create_server(organization, "App", options=options)
    await program[Domains].trust(await program[Domains].add(server, "acme.test"))
    _, key = await program[Tenants].create_credential(server, kind, kind.value.lower())
    await program[Accounts].add_egress_source(EgressSource("default"))
    return server, key
