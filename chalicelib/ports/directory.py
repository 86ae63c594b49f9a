"""The configuration as the mail path reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.tenancy import (
    Credential,
    Domain,
    EgressSource,
    Installation,
    Server,
    ServerId,
)


class Directory(Protocol):
    """Who may do what, as the mail path reads it. Answers may be 30 s old, except where a verb says fresh."""

    async def installation(self) -> Installation:
        """The installation; NotFound when it was never set up."""

    async def server(self, server: ServerId) -> Server:
        """A server; NotFound."""

    async def fresh_servers(self, servers: Sequence[ServerId]) -> dict[ServerId, Server]:
        """Servers as they are at this moment, for decisions that must bite at once (suspension)."""

    async def server_named(self, organization: str, server: str) -> Server:
        """By permalinks; NotFound."""

    async def credential(self, digest: str) -> Credential:
        """By the SHA-256 hex digest of the key; NotFound."""

    async def cram_credentials(self, server: ServerId) -> tuple[Credential, ...]:
        """SMTP credentials of a server that keep a sealed key."""

    async def ip_credential(self, address: str) -> Credential | None:
        """The SMTP-IP credential with the longest network containing this address (contract section 3.3)."""

    async def credential_by_id(self, server: ServerId, credential: str) -> Credential | None:
        """A credential of a server by its public id."""

    async def verified_domain(self, server: Server, name: str) -> Domain | None:
        """The verified domain of exactly this (lower-case) name, owned by the server or else by its organization."""

    async def any_from_domain(self, server: Server) -> Domain | None:
        """The first, by name, verified domain of the server that is flagged `use_for_any` (contract 2.6)."""

    async def track_domain(self, server: ServerId, domain: str) -> TrackDomain | None:
        """The track domain that a server has for this (lower-case) sending domain, whatever its DNS status."""

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        """The ways out of a pool."""
