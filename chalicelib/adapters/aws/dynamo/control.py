"""Configuration in the control table as people change it: always fresh, names kept unique by conditional writes.

What is stored twice is written in one transaction. A suspension of an organization is copied to its servers one by one,
so that the mail path reads one item; a crash in between leaves some of them until the change is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.adapters.aws.dynamo import places
from chalicelib.adapters.aws.dynamo.item import Item
from chalicelib.adapters.aws.dynamo.table import Key, Table, key_of
from chalicelib.adapters.aws.dynamo.values import parse_value, render_value
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.errors import Conflict, NotFound
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
from chalicelib.ports.accounts import Accounts

_T = TypeVar("_T")
_NEW = "attribute_not_exists(PK)"
_KNOWN = "attribute_exists(PK)"


class DynamoAccounts(Accounts):
    """The `Accounts` port over the control table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.control_table)

    def after_changes(self, call: Callable[[], None]) -> None:
        """Call this after each change from now on, to drop a cache."""
        self._table.written = call

    async def install(self, installation: Installation) -> bool:
        """Set the installation up; False when it was already."""
        return (await self._table.put(item_of(places.INSTALLATION, installation), _NEW)).held

    async def next_number(self, kind: str) -> int:
        """A fresh number of a kind."""
        key = (places.NUMBERS, kind)
        one: Item = {":one": {"N": "1"}}
        written = await self._table.update(key, "ADD n :one", one, returning="UPDATED_NEW")
        return int(written.item["n"]["N"])

    async def add_organization(self, organization: Organization) -> None:
        """Conflict when the permalink is taken."""
        key = (places.ORGANIZATIONS, organization.permalink)
        await self._add(key, organization, "organization")

    async def organizations(self) -> list[Organization]:
        """All organizations, by permalink."""
        return await self._list(Organization, places.ORGANIZATIONS)

    async def organization(self, permalink: str) -> Organization:
        """By permalink."""
        item = await self._table.get(places.ORGANIZATIONS, permalink)
        return value_of(Organization, _known(item, "organization"))

    async def update_organization(self, organization: Organization) -> None:
        """Change everything but id and permalink, and tell its servers whether they are suspended."""
        key = (places.ORGANIZATIONS, organization.permalink)
        await self._update(key, organization, "organization")
        suspended = {":suspended": {"BOOL": organization.suspended_at is not None}}
        for server in await self.servers(organization.id):
            await self._table.update(
                places.server_key(server.id),
                "SET v.organization_suspended = :suspended",
                suspended,
                _KNOWN,
            )

    async def add_server(self, server: Server) -> None:
        """Conflict when the organization has this permalink already, or the id is taken."""
        stored = await self._with_suspension(server)
        name = places.server_name_key(server)
        marker = {**key_of(*name), "n": {"N": str(server.id)}}
        added = await self._table.transact(
            _put(item_of(places.server_key(server.id), stored), _NEW), _put(marker, _NEW)
        )
        if added is not None:
            raise Conflict("This server already exists")

    async def servers(self, organization: OrganizationId) -> list[Server]:
        """The servers of an organization, by permalink."""
        names = await self._table.query(
            ("PK", f"O#{organization}"),
            sort="begins_with(SK, :prefix)",
            values={":prefix": {"S": "V#"}},
            consistent=True,
        )
        keys = [places.server_key(ServerId(int(name["n"]["N"]))) for name in names]
        items = await self._table.get_many(keys) if keys else {}
        return [value_of(Server, items[key]) for key in keys if key in items]

    async def server(self, organization: str, permalink: str) -> Server:
        """By permalinks."""
        owner = await self.organization(organization)
        name = await self._table.get(f"O#{owner.id}", f"V#{permalink}")
        server = ServerId(int(_known(name, "server")["n"]["N"]))
        item = await self._table.get(*places.server_key(server))
        return value_of(Server, _known(item, "server"))

    async def update_server(self, server: Server) -> None:
        """Change everything but id, organization and permalink."""
        stored = await self._with_suspension(server)
        await self._update(places.server_key(server.id), stored, "server")

    async def add_domain(self, domain: Domain) -> None:
        """Conflict when this owner has the name already."""
        await self._add(places.domain_key(domain), domain, "domain")

    async def domains(self, organization: OrganizationId, server: ServerId | None) -> list[Domain]:
        """The domains of exactly this owner, by name."""
        return await self._list(Domain, places.owner_partition(organization, server), "D#")

    async def update_domain(self, domain: Domain) -> None:
        """Change everything but owner and name."""
        await self._update(places.domain_key(domain), domain, "domain")

    async def remove_domain(self, domain: Domain) -> None:
        """Remove a domain."""
        await self._remove(places.domain_key(domain), "domain")

    async def add_track_domain(self, track: TrackDomain) -> None:
        """Conflict when the server has one for this sending domain."""
        await self._add(places.track_domain_key(track), track, "track domain")

    async def track_domains(self, server: ServerId) -> list[TrackDomain]:
        """Those of a server, by sending domain."""
        return await self._list(TrackDomain, f"V#{server}", "TD#")

    async def update_track_domain(self, track: TrackDomain) -> None:
        """Change everything but server and sending domain."""
        await self._update(places.track_domain_key(track), track, "track domain")

    async def remove_track_domain(self, track: TrackDomain) -> None:
        """Remove a track domain."""
        await self._remove(places.track_domain_key(track), "track domain")

    async def add_credential(self, credential: Credential) -> None:
        """Conflict when id, key digest or network (of this server) is taken."""
        if await self._table.transact(*_both_copies(credential, _NEW)) is not None:
            raise Conflict("This credential already exists")

    async def credentials(self, server: ServerId) -> list[Credential]:
        """The credentials of a server, by id."""
        return await self._list(Credential, f"V#{server}", "K#")

    async def update_credential(self, credential: Credential) -> None:
        """Change everything but server, id, digest and network."""
        if await self._table.transact(*_both_copies(credential, _KNOWN)) is not None:
            raise NotFound("There is no such credential")

    async def remove_credential(self, credential: Credential) -> None:
        """Remove a credential; its key stops working for logins of this moment."""
        keys = (
            places.credential_key(credential.server_id, credential.id),
            places.look_up_key(credential),
        )
        if await self._table.transact(*(_delete(key) for key in keys)) is not None:
            raise NotFound("There is no such credential")

    async def note_use(self, credential: Credential, at: int) -> None:
        """Remember when a credential was used, in the copy that is listed; one that is gone stays gone."""
        key = places.credential_key(credential.server_id, credential.id)
        await self._table.update(key, "SET v.last_used_at = :at", {":at": {"N": str(at)}}, _KNOWN)

    async def add_egress_source(self, source: EgressSource) -> None:
        """Conflict when the pool has a source of this name."""
        # The pool first: one that is known and has no source does no harm, the reverse would be a hidden source.
        await self._table.put(key_of(places.POOLS, source.pool))
        await self._add(places.source_key(source), source, "egress source")

    async def egress_sources(self, pool: str) -> list[EgressSource]:
        """The sources of a pool, by name."""
        return await self._list(EgressSource, f"POOL#{pool}")

    async def egress_pools(self) -> list[str]:
        """The pools that ever had a source, by name."""
        items = await self._table.query(("PK", places.POOLS), consistent=True)
        return [str(item["SK"]["S"]) for item in items]

    async def update_egress_source(self, source: EgressSource) -> None:
        """Change everything but pool and name."""
        await self._update(places.source_key(source), source, "egress source")

    async def remove_egress_source(self, source: EgressSource) -> None:
        """Remove a source."""
        await self._remove(places.source_key(source), "egress source")

    async def _with_suspension(self, server: Server) -> Server:
        item = await self._table.get(places.ORGANIZATIONS, server.organization_permalink)
        suspended = item is not None and value_of(Organization, item).suspended_at is not None
        return replace(server, organization_suspended=suspended)

    async def _add(self, key: Key, value: Any, what: str) -> None:
        if not (await self._table.put(item_of(key, value), _NEW)).held:
            raise Conflict(f"This {what} already exists")

    async def _update(self, key: Key, value: Any, what: str) -> None:
        if not (await self._table.put(item_of(key, value), _KNOWN)).held:
            raise NotFound(f"There is no such {what}")

    async def _remove(self, key: Key, what: str) -> None:
        if not (await self._table.delete(key)).item:
            raise NotFound(f"There is no such {what}")

    async def _list(self, kind: type[_T], partition: str, prefix: str = "") -> list[_T]:
        items = await self._table.query(
            ("PK", partition),
            sort="begins_with(SK, :prefix)" if prefix else None,
            values={":prefix": {"S": prefix}} if prefix else None,
            consistent=True,
        )
        return [value_of(kind, item) for item in items]


def item_of(key: Key, value: Any) -> Item:
    """A configuration value at its place."""
    return {**key_of(*key), "v": render_value(value)}


def value_of(kind: type[_T], item: Item) -> _T:
    """The configuration value of an item."""
    return parse_value(kind, item["v"])


def _both_copies(credential: Credential, condition: str) -> tuple[dict[str, Any], ...]:
    keys = (
        places.credential_key(credential.server_id, credential.id),
        places.look_up_key(credential),
    )
    return tuple(_put(item_of(key, credential), condition) for key in keys)


def _put(item: Item, condition: str) -> dict[str, Any]:
    return {"Put": {"Item": item, "ConditionExpression": condition}}


def _delete(key: Key) -> dict[str, Any]:
    return {"Delete": {"Key": key_of(*key), "ConditionExpression": _KNOWN}}


def _known(item: Item | None, what: str) -> Item:
    if item is None:
        raise NotFound(f"There is no such {what}")
    return item
