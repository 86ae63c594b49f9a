"""Configuration as the mail path reads it: from a cache of this process that is at most 30 seconds old.

Concurrent questions share one read. That something does not exist is remembered for two seconds only, so that a new
credential or domain works almost at once. `fresh_servers` goes past the cache and fills it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.adapters.aws.dynamo import places
from chalicelib.adapters.aws.dynamo.control import DynamoAccounts, value_of
from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.errors import NotFound
from chalicelib.domain.networks import narrowest
from chalicelib.domain.tenancy import (
    Credential,
    CredentialKind,
    Domain,
    EgressSource,
    Installation,
    Server,
    ServerId,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory

_ABSENT_SECONDS = 2
_MOST_KEPT = 10_000

Place = tuple[Any, ...]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    until: float


class DynamoDirectory(Directory):
    """The `Directory` port over the control table."""

    def __init__(
        self,
        session: AwsSession,
        settings: Settings,
        clock: Clock,
        accounts: DynamoAccounts,
        kept_seconds: float = 30,
    ) -> None:
        self._table = Table(session, settings.control_table)
        self._accounts = accounts
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._kept: dict[Place, _Kept] = {}
        self._reading: dict[Place, asyncio.Future[Any]] = {}
        # A process sees its own changes at once; others see them when their caches end.
        accounts.after_changes(self.forget)

    async def installation(self) -> Installation:
        """The installation."""
        found = await self._cached(("installation",), self._read_installation)
        return _known(Installation, found)

    async def server(self, server: ServerId) -> Server:
        """A server."""
        found = await self._cached(("server", server), lambda: self._read_server(server))
        return _known(Server, found)

    async def shards(self, server: ServerId) -> int:
        """Over how many partitions a server's messages are spread; one for a server that is not known."""
        found = await self._cached(("server", server), lambda: self._read_server(server))
        return 1 if found is None else found.shards

    async def fresh_servers(self, servers: Sequence[ServerId]) -> dict[ServerId, Server]:
        """Those of the servers that exist, as they are at this moment."""
        keys = {server: places.server_key(server) for server in servers}
        items = await self._table.get_many(list(keys.values()))
        found = {one: value_of(Server, items[key]) for one, key in keys.items() if key in items}
        for server, value in found.items():
            self._keep(("server", server), value)
        return found

    async def server_named(self, organization: str, server: str) -> Server:
        """By permalinks."""

        async def read() -> Server | None:
            try:
                return await self._accounts.server(organization, server)
            except NotFound:
                return None

        return _known(Server, await self._cached(("named", organization, server), read))

    async def credential(self, digest: str) -> Credential:
        """By key digest: one read."""

        async def read() -> Credential | None:
            item = await self._table.get(*places.digest_key(digest), consistent=False)
            return None if item is None else value_of(Credential, item)

        return _known(Credential, await self._cached(("digest", digest), read))

    async def cram_credentials(self, server: ServerId) -> tuple[Credential, ...]:
        """SMTP credentials of a server with a sealed key."""
        return tuple(
            credential
            for credential in await self._credentials(server)
            if credential.kind is CredentialKind.SMTP and credential.sealed_key is not None
        )

    async def ip_credential(self, address: str) -> Credential | None:
        """By client address, longest network first."""

        async def read() -> list[Credential]:
            items = await self._table.query(("PK", places.NETWORKS))
            return [value_of(Credential, item) for item in items]

        return narrowest(await self._cached(("networks",), read), address)

    async def credential_by_id(self, server: ServerId, credential: str) -> Credential | None:
        """By public id."""

        async def read() -> Credential | None:
            item = await self._table.get(*places.credential_key(server, credential))
            return None if item is None else value_of(Credential, item)

        found: Credential | None = await self._cached(("credential", server, credential), read)
        return found

    async def verified_domain(self, server: Server, name: str) -> Domain | None:
        """The server's own domain of this name, or else its organization's: one batch read."""

        async def read() -> Domain | None:
            owners = [f"V#{server.id}", f"O#{server.organization_id}"]
            keys = [(owner, f"D#{name}") for owner in owners]
            items = await self._table.get_many(keys, consistent=False)
            for key in keys:
                domain = value_of(Domain, items[key]) if key in items else None
                if domain is not None and domain.verified_at is not None:
                    return domain
            return None

        found: Domain | None = await self._cached(("domain", server.id, name), read)
        return found

    async def any_from_domain(self, server: Server) -> Domain | None:
        """The server's first verified domain with `use_for_any`."""

        async def read() -> Domain | None:
            for domain in await self._accounts.domains(server.organization_id, server.id):
                if domain.use_for_any and domain.verified_at is not None:
                    return domain
            return None

        found: Domain | None = await self._cached(("any", server.id), read)
        return found

    async def track_domain(self, server: ServerId, domain: str) -> TrackDomain | None:
        """The track domain of a server's sending domain."""

        async def read() -> TrackDomain | None:
            item = await self._table.get(
                *places.track_domain_place(server, domain), consistent=False
            )
            return None if item is None else value_of(TrackDomain, item)

        found: TrackDomain | None = await self._cached(("track", server, domain), read)
        return found

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        """The sources of a pool, by name."""
        found: list[EgressSource] = await self._cached(
            ("pool", pool), lambda: self._accounts.egress_sources(pool)
        )
        return tuple(found)

    def forget(self) -> None:
        """Read everything anew."""
        self._kept.clear()
        self._reading.clear()

    async def _credentials(self, server: ServerId) -> list[Credential]:
        found: list[Credential] = await self._cached(
            ("credentials", server), lambda: self._accounts.credentials(server)
        )
        return found

    async def _read_installation(self) -> Installation | None:
        item = await self._table.get(*places.INSTALLATION)
        return None if item is None else value_of(Installation, item)

    async def _read_server(self, server: ServerId) -> Server | None:
        item = await self._table.get(*places.server_key(server))
        return None if item is None else value_of(Server, item)

    async def _cached(self, place: Place, read: Callable[[], Awaitable[Any]]) -> Any:
        kept = self._kept.get(place)
        if kept is not None and kept.until > self._clock.monotonic():
            return kept.value
        reading = self._reading.get(place)
        if reading is None:
            reading = asyncio.ensure_future(self._read(place, read))
            self._reading[place] = reading
        # A caller that gives up must not take the answer away from the others.
        return await asyncio.shield(reading)

    async def _read(self, place: Place, read: Callable[[], Awaitable[Any]]) -> Any:
        reading = asyncio.current_task()
        try:
            value = await read()
            if (
                self._reading.get(place) is reading
            ):  # else forgotten meanwhile: it may be of yesterday
                self._keep(place, value)
            return value
        finally:
            if self._reading.get(place) is reading:
                del self._reading[place]

    def _keep(self, place: Place, value: Any) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()  # somebody is guessing keys; what matters is read again at once
        seconds = self._kept_seconds if value else min(_ABSENT_SECONDS, self._kept_seconds)
        self._kept[place] = _Kept(value, self._clock.monotonic() + seconds)


def _known(kind: type[_T], value: Any) -> _T:
    if not isinstance(value, kind):
        raise NotFound(f"There is no such {kind.__name__.lower()}")
    return value
