"""A tenant in an installation that runs on AWS adapters: what a test needs to send one message."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers

SOON = ServerOptions(retry_schedule="1s*5")


async def make_tenant(
    program: Posthorn, kind: CredentialKind, options: ServerOptions = SOON
) -> tuple[Server, str]:
    """Acme's server App, which may send from acme.test, and the key of one credential."""
    await program[Installation].ensure()
    organization = await program[Organizations].create("Acme")
    server = await program[Servers].create(organization, "App", options=options)
    await program[Domains].trust(await program[Domains].add(server, "acme.test"))
    _, key = await program[Credentials].create(server, kind, kind.value.lower())
    await program[Repository].add(SOURCES, EgressSource("default"))
    return server, key
