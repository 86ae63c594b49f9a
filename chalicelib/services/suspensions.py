"""Suspending organizations and servers, and telling those who answer for them."""

from __future__ import annotations

from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

_TEXT = """\
{what} was suspended.

Reason: {reason}

Its mail is held, and nothing new is taken, until the suspension is lifted.
"""


class Suspensions:
    """Suspends, once, with a notice (api.md 2.1)."""

    def __init__(
        self, organizations: Organizations, servers: Servers, system_mail: SystemMail
    ) -> None:
        self._organizations = organizations
        self._servers = servers
        self._system_mail = system_mail

    async def suspend_organization(self, permalink: str, reason: str) -> Organization:
        """Suspend an organization and all its servers. One that is suspended keeps its reason, and nobody is told."""
        earlier = await self._organizations.get(permalink)
        done = await self._organizations.suspend(permalink, reason)
        if earlier.suspended_at is None:
            await self._tell(done, f"The organization {permalink}", done.suspension_reason)
        return done

    async def suspend_server(self, server: Server, reason: str) -> Server:
        """Suspend a server. One that is suspended keeps its reason, and nobody is told."""
        if server.suspended_at is not None:
            return server
        done = await self._servers.suspend(server, reason)
        owner = await self._organizations.get(done.organization_permalink)
        await self._tell(owner, f"The mail server {done.full_name}", done.suspension_reason)
        return done

    async def _tell(self, owner: Organization, what: str, reason: str | None) -> None:
        text = _TEXT.format(what=what, reason=reason)
        await self._system_mail.notify(owner, f"{what} was suspended", text)
