"""The configuration as people change it."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.tenancy import (
    Credential,
    Domain,
    EgressSource,
    Installation,
    Organization,
    OrganizationId,
    Server,
    ServerId,
)


class Accounts(Protocol):
    """Configuration as people change it: always fresh, unique names enforced with Conflict, unknown things
    NotFound."""

    async def install(self, installation: Installation) -> bool:
        """Set the installation up; False when it was already."""

    async def next_number(self, kind: str) -> int:
        """A fresh installation-wide number for an organization or server."""

    async def add_organization(self, organization: Organization) -> None: ...

    async def organizations(self) -> list[Organization]: ...

    async def organization(self, permalink: str) -> Organization: ...

    async def update_organization(self, organization: Organization) -> None: ...

    async def add_server(self, server: Server) -> None: ...

    async def servers(self, organization: OrganizationId) -> list[Server]: ...

    async def server(self, organization: str, permalink: str) -> Server: ...

    async def update_server(self, server: Server) -> None: ...

    async def add_domain(self, domain: Domain) -> None: ...

    async def domains(
        self, organization: OrganizationId, server: ServerId | None
    ) -> list[Domain]: ...

    async def update_domain(self, domain: Domain) -> None: ...

    async def remove_domain(self, domain: Domain) -> None: ...

    async def add_track_domain(self, track: TrackDomain) -> None:
        """Conflict when the server has a track domain for this sending domain."""

    async def track_domains(self, server: ServerId) -> list[TrackDomain]:
        """Those of a server, by sending domain."""

    async def update_track_domain(self, track: TrackDomain) -> None: ...

    async def remove_track_domain(self, track: TrackDomain) -> None: ...

    async def add_credential(self, credential: Credential) -> None: ...

    async def credentials(self, server: ServerId) -> list[Credential]: ...

    async def update_credential(self, credential: Credential) -> None: ...

    async def remove_credential(self, credential: Credential) -> None: ...

    async def note_use(self, credential: Credential, at: int) -> None:
        """Remember when a credential was used; one that is gone stays gone."""

    async def add_egress_source(self, source: EgressSource) -> None: ...

    async def egress_sources(self, pool: str) -> list[EgressSource]: ...

    async def egress_pools(self) -> list[str]:
        """The pools that ever had a source, by name."""

    async def update_egress_source(self, source: EgressSource) -> None:
        """Change everything but pool and name."""

    async def remove_egress_source(self, source: EgressSource) -> None: ...
