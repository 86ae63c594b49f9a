"""Checking a sending domain: looking at what is published, and remembering it (api.md 2.6).

A check that finds the ownership record proves the owner; a name server that cannot be asked changes nothing. A domain
that was removed meanwhile is NotFound.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from chalicelib.domain.dns.checked import Check, checked_domain, checked_state, is_due
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.findings import Finding
from chalicelib.ports.clock import Clock
from chalicelib.ports.name_servers import NameServers
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.domain_states import DomainStates
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.published import look_at

LOG = logging.getLogger("posthorn.domains")


@dataclass(frozen=True, slots=True)
class Checked:
    """A domain after a check, and its state."""

    domain: Domain
    state: DomainState

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found at each record."""
        return self.state.findings


class DomainChecks:
    """Checks of domains, by hand and each hour."""

    def __init__(
        self,
        repository: Repository,
        name_servers: NameServers,
        domains: Domains,
        states: DomainStates,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._name_servers = name_servers
        self._domains = domains
        self._states = states
        self._clock = clock

    async def check(self, domain: Domain) -> Checked:
        """Look now."""
        return await self._check(domain, hourly=False)

    async def check_hourly(self, domain: Domain) -> Checked:
        """Look without being asked: a server's own domain that is not good has something to tell."""
        return await self._check(domain, hourly=True)

    async def _check(self, domain: Domain, *, hourly: bool) -> Checked:
        findings = await look_at(self._name_servers, self._domains.records(domain))
        check = Check(findings, int(self._clock.now()), hourly)

        def checked(one: DomainState) -> DomainState:
            # Another process may have had the same hour's check: that is told of once.
            first = replace(check, hourly=hourly and is_due(one, check.at))
            return checked_state(one, domain, first)

        state = await self._states.change(domain, checked)
        if hourly and state.events and state.events[-1].at == check.at:
            told = {"event": state.events[-1].kind.value, "server_id": domain.server_id or 0}
            LOG.info("domain event", extra={"fields": told})
        after = await self._repository.modify(
            DOMAINS, DOMAINS.place(domain), lambda one: checked_domain(one, state, check)
        )
        return Checked(after, state)
