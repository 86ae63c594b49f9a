"""What an hourly check of a server's own domain has to tell: events of the server, and a notice to its members.

They are read from the state that the check stored, each time those of the last hours, so that what a check that died
did not tell is told by the next; what was noted before is known by its id.
"""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.events.domains import domain_occurrences
from chalicelib.domain.tenancy.domain_states import DnsEvent
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.findings import BAD
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.repository import Repository
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.tenancy.domain_checks import Checked
from chalicelib.services.tenancy.domains import Domains


class TellDomainEvents:
    """Notes them."""

    def __init__(
        self,
        repository: Repository,
        domains: Domains,
        happenings: Happenings,
        members: NotifyMembers,
    ) -> None:
        self._repository = repository
        self._domains = domains
        self._happenings = happenings
        self._members = members

    async def tell(self, checked: Checked) -> None:
        """After the state of an hourly check is stored. TemporaryFailure: the next check tells it."""
        records = self._domains.records(checked.domain)
        occurrences = domain_occurrences(checked.domain, checked.state, records)
        if not occurrences:
            return
        await self._happenings.note(occurrences)
        last = checked.state.events[-1]
        if last.kind is DnsEvent.FAILED and last.at == checked.state.checked_at:
            await self._notify(checked)

    async def _notify(self, checked: Checked) -> None:
        domain = checked.domain
        if domain.server_id is None:
            return
        try:
            server = await self._repository.get(SERVERS, Place(of_server(domain.server_id)))
            place = Place(ALL_ORGANIZATIONS, server.organization_permalink)
            organization = await self._repository.get(ORGANIZATIONS, place)
        except NotFound:  # removed meanwhile
            return
        wrong = dict.fromkeys(
            one.text for one in checked.findings if one.status in BAD and one.text
        )
        subject = f"[{server.full_name}] DNS records of {domain.name} are not right"
        text = "\n".join((f"The hourly check of {domain.name} found:", "", *wrong))
        thing = f"domain {domain.name} of {domain.server_id}"
        await self._members.tell(organization, thing, subject, text)
