"""The servers whose new mail a complaint or bounce rate holds, for who operates the installation."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.rate_limits import lasting
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

MOST_NAMED = 5


class HeldServers:
    """Looks through all servers."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def told(self) -> list[str]:
        """One sentence with the first of them, or none. Raises TemporaryFailure."""
        now, held = self._clock.now(), []
        for owner in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS, fresh=False):
            of_it = of_organization(owner.id)
            for one in await self._repository.all(SERVERS, of_it, fresh=False):
                if holds := lasting(one.rate_holds, now):
                    held.append(replace(one, rate_holds=holds))
        if not held:
            return []
        more = f" and {len(held) - MOST_NAMED} more" if len(held) > MOST_NAMED else ""
        return [f"New mail is held of {', '.join(map(_named, held[:MOST_NAMED]))}{more}."]


def _named(server: Server) -> str:
    rates = sorted({one.rate.words for one in server.rate_holds})
    return f"{server.full_name} ({', '.join(rates)})"
