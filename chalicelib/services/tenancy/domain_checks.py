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
from chalicelib.domain.tenancy.findings import BAD, Finding
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
        """Look now, and remember it."""
        return await self.remember(domain, await self.look(domain))

    async def look(self, domain: Domain, *, hourly: bool = False) -> Check:
        """What is published now. `hourly` without being asked: a server's own domain that is not good has something to
        tell then."""
        findings = await look_at(self._name_servers, self._domains.records(domain))
        return Check(findings, int(self._clock.now()), hourly)

    async def remember(self, domain: Domain, check: Check) -> Checked:
        """The domain and its state after a check."""

        def checked(one: DomainState) -> DomainState:
            # Another process may have had the same hour's check: that is told of once.
            first = replace(check, hourly=check.hourly and is_due(one, check.at))
            return checked_state(one, domain, first)

        state = await self._states.change(domain, checked)
        if check.hourly and state.events and state.events[-1].at == check.at:
            wrong = [f"{one.purpose} {one.status}" for one in state.findings if one.status in BAD]
            told = {
                "event": state.events[-1].kind.value,
                "server_id": domain.server_id,
                "domain": domain.name,
                "records": ", ".join(dict.fromkeys(wrong)),
            }
            LOG.info("domain event", extra={"fields": told})

        def after(one: Domain) -> Domain:
            if one.uuid != domain.uuid:  # another of this name: nobody looked for its records
                raise DOMAINS.missing()
            return checked_domain(one, state, check)

        return Checked(await self._repository.modify(DOMAINS, DOMAINS.place(domain), after), state)
