"""Management keys: made with what their giver has at most, listed, changed and revoked (api.md 1.3, 2.4).

A key is shown once, when it is made, and only its digest is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import NotFound, TooMany
from chalicelib.domain.ids import MANAGEMENT_PREFIX, key_digest, new_key, random_letters
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, ManagementKey, of_keys
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.services.tenancy.credentials import CREDENTIAL_ID_LETTERS, HINT_LENGTH
from chalicelib.services.tenancy.names import checked_name

MOST_KEYS = 200  # of an organization


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What a key may: scopes, the servers it is limited to (None: all), networks in CIDR, and its end, in epoch
    seconds."""

    scopes: tuple[str, ...]
    servers: tuple[ServerId, ...] | None = None
    networks: tuple[str, ...] = ()
    expires_at: int | None = None


class ManagementKeys:
    """The management keys of organizations, or (None) of the installation."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def create(
        self, organization: OrganizationId | None, name: str, options: KeyOptions, created_by: str
    ) -> tuple[ManagementKey, str]:
        """A new key and its text, which nobody can read again. TooMany when an organization has MOST_KEYS, NotFound
        when it was removed meanwhile."""
        text = new_key(self._rand.bytes(64), MANAGEMENT_PREFIX)

        async def has_room() -> None:
            if organization is not None and len(await self.of(organization)) >= MOST_KEYS:
                raise TooMany(f"An organization has at most {MOST_KEYS} keys")

        made = await self.keep(organization, name, options, created_by, text, has_room)
        # A removal that is not there yet finds the key itself when it looks for keys after the organization has gone.
        removals = await self._repository.all(REMOVALS, ALL_REMOVALS) if organization else ()
        if any((one.organization_id, one.server_id) == (organization, None) for one in removals):
            with acting(None), suppress(NotFound):
                await self._repository.remove(MANAGEMENT_KEYS, made)
            raise NotFound("There is no such organization")
        return made, text

    async def keep(
        self,
        organization: OrganizationId | None,
        name: str,
        options: KeyOptions,
        created_by: str,
        text: str,
        guard: Guard | None = None,
    ) -> ManagementKey:
        """A key with a text that was made before. Conflict when it is known."""
        key = ManagementKey(
            id=random_letters(self._rand.bytes(32), CREDENTIAL_ID_LETTERS),
            name=checked_name(name),
            created_at=int(self._clock.now()),
            created_by=created_by,
            digest=key_digest(text),
            hint=text[-HINT_LENGTH:],
            scopes=options.scopes,
            organization_id=organization,
            servers=options.servers,
            networks=options.networks,
            expires_at=options.expires_at,
        )
        await self._repository.add(MANAGEMENT_KEYS, key, guard)
        return key

    async def of(self, organization: OrganizationId | None) -> Sequence[ManagementKey]:
        """All keys, newest first."""
        found = await self._repository.all(MANAGEMENT_KEYS, of_keys(organization))
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    async def get(self, organization: OrganizationId | None, key: str) -> ManagementKey:
        """By id; NotFound."""
        return await self._repository.get(MANAGEMENT_KEYS, Place(of_keys(organization), key))

    async def update(self, key: ManagementKey, **changes: Any) -> ManagementKey:
        """Change name, networks or expires_at of a key."""
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        place = Place(of_keys(key.organization_id), key.id)
        return await self._repository.modify(
            MANAGEMENT_KEYS, place, lambda one: replace(one, **changes)
        )

    async def revoke(self, key: ManagementKey) -> None:
        """It works no longer: within 30 s everywhere; NotFound."""
        await self._repository.remove(MANAGEMENT_KEYS, key)
