"""Credentials: what lets clients of a server in.

A key is shown once, when it is made, and only its digest is kept; a credential made for CRAM-MD5 keeps it sealed as
well, since that mechanism needs it in clear.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.errors import Conflict, TooMany, wrong_field
from chalicelib.domain.ids import MANAGEMENT_PREFIX, key_digest, new_key, random_letters
from chalicelib.domain.limits.limit import LimitOwner, OwnerKind
from chalicelib.domain.tenancy.credentials import (
    BY_NETWORK,
    CREDENTIALS,
    BareNewlines,
    Credential,
    CredentialKind,
)
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.networks import covers
from chalicelib.domain.tenancy.owners import ALL_NETWORKS, of_server
from chalicelib.domain.tenancy.scopes import OF_A_SERVER_KEY
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.limit_fields import changes_limits, check_limits
from chalicelib.services.tenancy.names import checked_name

MOST_CREDENTIALS = 500  # of a server
CREDENTIAL_ID_LETTERS = 12
HINT_LENGTH = 4
_KEY = re.compile(r"[A-Za-z0-9_]{20,100}")


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What a credential does besides letting in. `cram`: keep the key sealed, for CRAM-MD5 (SMTP only).
    `network`: the address or CIDR network of an SMTP-IP credential. `networks`: from where alone a key may be used;
    `expires_at`: its end, in epoch seconds; `scopes`: what a key of the API may do."""

    hold: bool = False
    cram: bool = False
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    network: str | None = None
    networks: tuple[str, ...] = ()
    expires_at: int | None = None
    scopes: tuple[str, ...] = OF_A_SERVER_KEY
    send_limit: int | None = None
    send_limit_day: int | None = None
    send_limit_month: int | None = None
    send_limit_action: LimitAction = LimitAction.HOLD


class Credentials:
    """The credentials of mail servers (contract section 1.4)."""

    def __init__(
        self,
        repository: Repository,
        vault: KeyVault,
        clock: Clock,
        rand: Rand,
        lines: LimitLines,
        places: SendLimits,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._clock = clock
        self._rand = rand
        self._lines = lines
        self._places = places

    async def create(
        self,
        server: Server,
        kind: CredentialKind,
        name: str,
        options: CredentialOptions | None = None,
    ) -> tuple[Credential, str]:
        """A new credential and its key, which nobody can read again. An SMTP-IP credential has no key: the text is
        its network. Conflict when the server has a credential for that network."""
        if kind is CredentialKind.SMTP_IP:
            return await self._create_network(server, name, options or CredentialOptions())
        key = new_key(self._rand.bytes(64))
        return await self._keep_key(server, kind, name, key, options), key

    async def import_key(
        self,
        server: Server,
        kind: CredentialKind,
        name: str,
        key: str,
        options: CredentialOptions | None = None,
    ) -> Credential:
        """A credential with a key that exists already, such as the 24 alphanumerics of a Postal credential.
        Conflict when the key is known; InvalidRequest when it is too short to be safe."""
        if kind is CredentialKind.SMTP_IP:
            raise wrong_field("kind", "An SMTP-IP credential has a network, not a key")
        if _KEY.fullmatch(key) is None or key.startswith(f"{MANAGEMENT_PREFIX}_"):
            raise wrong_field("key", "A key has 20 to 100 letters, digits and underscores")
        return await self._keep_key(server, kind, name, key, options)

    async def of(self, server: Server) -> list[Credential]:
        """The server's credentials, oldest first."""
        found = await self._repository.all(CREDENTIALS, of_server(server.id))
        return sorted(found, key=lambda each: (each.created_at, each.name, each.id))

    async def get(self, server: Server, credential: str) -> Credential:
        """By id; NotFound."""
        return await self._repository.get(CREDENTIALS, Place(of_server(server.id), credential))

    async def update(self, credential: Credential, **changes: Any) -> Credential:
        """Change name, hold, bare_newlines, networks, expires_at or limits."""
        check_limits(replace(credential, **changes))
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        place = Place(of_server(credential.server_id), credential.id)
        changed = await self._repository.modify(
            CREDENTIALS, place, lambda one: replace(one, **changes)
        )
        if changes_limits(changes):
            await self._hurry(changed)
        return changed

    async def revoke(self, server: Server, credential: str) -> Credential:
        """Delete the credential with this id, and return what it was; NotFound."""
        known = await self.get(server, credential)
        await self._repository.remove(CREDENTIALS, known)
        if known.limits.most:
            await self._places.forget(_owner(known))
            await self._hurry(known)
        return known

    async def _hurry(self, credential: Credential) -> None:
        """What its limits hold may go."""
        await self._lines.hurry(_owner(credential), self._clock.now())

    async def _create_network(
        self, server: Server, name: str, options: CredentialOptions
    ) -> tuple[Credential, str]:
        if options.cram:
            raise wrong_field("cram", "Only an SMTP credential can be used with CRAM-MD5")
        network = _network(options.network)
        await self._check_overlap(server, network)
        bare = self._credential(server, CredentialKind.SMTP_IP, name, options)
        credential = replace(bare, network=network)
        await self._add(server, credential)
        return credential, network

    async def _check_overlap(self, server: Server, network: str) -> None:
        """Conflict when another organization has a network that contains this one, or lies in it."""
        known = await self._repository.all(CREDENTIALS, ALL_NETWORKS, BY_NETWORK)
        near = {
            one.server_id
            for one in known
            if one.network and (covers([one.network], network) or covers([network], one.network))
        }
        places = [Place(of_server(number)) for number in near]
        for other in (await self._repository.get_many(SERVERS, places)).values():
            if other.organization_id != server.organization_id:
                raise Conflict("Another organization has a network that overlaps this one")

    async def _keep_key(
        self,
        server: Server,
        kind: CredentialKind,
        name: str,
        key: str,
        options: CredentialOptions | None,
    ) -> Credential:
        options = options or CredentialOptions()
        if options.network is not None:
            raise wrong_field("network", "Only an SMTP-IP credential has a network")
        if options.cram and kind is not CredentialKind.SMTP:
            raise wrong_field("cram", "Only an SMTP credential can be used with CRAM-MD5")
        bare = self._credential(server, kind, name, options)
        credential = replace(bare, digest=key_digest(key), hint=key[-HINT_LENGTH:])
        if options.cram:
            sealed = await self._vault.seal(key.encode(), credential.context)
            credential = replace(credential, sealed_key=sealed)
        await self._add(server, credential)
        return credential

    async def _add(self, server: Server, credential: Credential) -> None:
        async def has_room() -> None:
            if len(await self.of(server)) >= MOST_CREDENTIALS:
                raise TooMany(f"A server has at most {MOST_CREDENTIALS} credentials")

        await self._repository.add(CREDENTIALS, credential, has_room)

    def _credential(
        self, server: Server, kind: CredentialKind, name: str, options: CredentialOptions
    ) -> Credential:
        check_limits(options)
        return Credential(
            id=random_letters(self._rand.bytes(32), CREDENTIAL_ID_LETTERS),
            server_id=server.id,
            kind=kind,
            name=checked_name(name),
            created_at=int(self._clock.now()),
            hold=options.hold,
            bare_newlines=options.bare_newlines,
            networks=options.networks,
            expires_at=options.expires_at,
            scopes=options.scopes,
            send_limit=options.send_limit,
            send_limit_day=options.send_limit_day,
            send_limit_month=options.send_limit_month,
            send_limit_action=options.send_limit_action,
        )


def _network(text: str | None) -> str:
    """The canonical CIDR text of an address or network, host bits cleared."""
    try:
        if "%" in (text or ""):
            raise ValueError("an address of one machine's interface")
        return str(ipaddress.ip_network((text or "").strip(), strict=False))
    except ValueError as unreadable:
        raise wrong_field(
            "network", "The network must be a valid IPv4 or IPv6 address"
        ) from unreadable


def _owner(credential: Credential) -> LimitOwner:
    return LimitOwner(OwnerKind.CREDENTIAL, credential.server_id, credential.id)
