"""Organizations, servers and credentials: creating, changing and suspending them.

A key is shown once, when it is made, and only its digest is kept; a credential made for CRAM-MD5 keeps it sealed as
well, since that mechanism needs it in clear. Names are checked here; that they are unique is enforced by the store.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from chalicelib.domain import permalink as names
from chalicelib.domain.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NotFound,
    Rejected,
)
from chalicelib.domain.ids import key_digest, new_key, random_letters
from chalicelib.domain.retry import parse_schedule
from chalicelib.domain.tenancy import (
    BareNewlines,
    Credential,
    CredentialKind,
    Organization,
    OrganizationId,
    Server,
    ServerId,
    ServerMode,
    UnknownOutcome,
)
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault
from chalicelib.services.sources import no_such_pool

LONGEST_NAME = 100
MOST_SHARDS = 16
MOST_CANDIDATES = 1_000
CREDENTIAL_ID_LETTERS = 12
HINT_LENGTH = 4
_KEY = re.compile(r"[A-Za-z0-9_]{20,100}")
_POOL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What may be changed about a server after it was made (contract section 1.3).

    send_limit: messages in 60 minutes, None for no limit. retry_schedule: as `1m,5m*2,1h*3`, None for the default.
    """

    mode: ServerMode = ServerMode.LIVE
    pool: str = "default"
    shards: int = 1
    send_limit: int | None = None
    allow_sender: bool = False
    privacy_mode: bool = False
    retry_schedule: str | None = None
    unknown_outcome: UnknownOutcome = UnknownOutcome.RESEND

    @staticmethod
    def of(server: Server) -> ServerOptions:
        """The options a server has now."""
        return ServerOptions(
            mode=server.mode,
            pool=server.pool,
            shards=server.shards,
            send_limit=server.send_limit,
            allow_sender=server.allow_sender,
            privacy_mode=server.privacy_mode,
            retry_schedule=server.retry_schedule,
            unknown_outcome=server.unknown_outcome,
        )


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What a credential does besides letting in. `cram`: keep the key sealed, for CRAM-MD5 (SMTP only).
    `network`: the address or CIDR network of an SMTP-IP credential."""

    hold: bool = False
    cram: bool = False
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    network: str | None = None


class Tenants:
    """Organizations, their servers and the servers' credentials (contract sections 1.1, 1.3, 1.4)."""

    def __init__(
        self, accounts: Accounts, vault: KeyVault, clock: Clock, rand: Rand, queue: WorkQueue
    ) -> None:
        self._accounts = accounts
        self._vault = vault
        self._clock = clock
        self._rand = rand
        self._queue = queue

    async def create_organization(self, name: str, permalink: str | None = None) -> Organization:
        """A new organization. A permalink that is given and taken raises Conflict; one that is made from the name gets
        `-2`, `-3` … instead. InvalidRequest for an unusable name or permalink."""
        name = _name(name)
        number = await self._accounts.next_number("organization")
        wanted = _wanted(name, permalink, names.ORGANIZATION_RESERVED)
        for candidate in _candidates(wanted, names.ORGANIZATION_RESERVED):
            organization = Organization(
                id=OrganizationId(number),
                permalink=candidate,
                name=name,
                uuid=self._uuid(),
                created_at=int(self._clock.now()),
            )
            try:
                await self._accounts.add_organization(organization)
            except Conflict:
                if permalink is not None:
                    raise
            else:
                return organization
        raise Conflict(f"Every permalink like {wanted} is taken")

    async def organizations(self) -> list[Organization]:
        """All organizations, by permalink."""
        return sorted(await self._accounts.organizations(), key=lambda each: each.permalink)

    async def organization(self, permalink: str) -> Organization:
        """By permalink; NotFound."""
        return await self._accounts.organization(permalink)

    async def suspend_organization(self, permalink: str, reason: str) -> Organization:
        """Suspend an organization and with it all its servers. Safe to repeat after a failure half-way."""
        organization = await self._accounts.organization(permalink)
        suspended = replace(
            organization,
            suspended_at=organization.suspended_at or int(self._clock.now()),
            suspension_reason=_name(reason, "reason"),
        )
        return await self._apply_suspension(suspended)

    async def unsuspend_organization(self, permalink: str) -> Organization:
        """Lift an organization's suspension. Servers that were suspended themselves stay so."""
        organization = await self._accounts.organization(permalink)
        return await self._apply_suspension(
            replace(organization, suspended_at=None, suspension_reason=None)
        )

    async def create_server(
        self,
        organization: Organization,
        name: str,
        permalink: str | None = None,
        options: ServerOptions | None = None,
    ) -> Server:
        """A new mail server. Permalinks as with organizations; InvalidRequest names the option that is wrong, and so
        a pool that has no queue, where its mail could not be accepted."""
        name = _name(name)
        options = _checked(options or ServerOptions())
        await self._check_pool(options.pool)
        wanted = _wanted(name, permalink, names.SERVER_RESERVED)
        number = await self._accounts.next_number("server")
        bare = Server(
            id=ServerId(number),
            organization_id=organization.id,
            organization_permalink=organization.permalink,
            permalink=wanted,
            name=name,
            token=names.server_token(number),
            uuid=self._uuid(),
            created_at=int(self._clock.now()),
            organization_suspended=organization.suspended_at is not None,
        )
        for candidate in _candidates(wanted, names.SERVER_RESERVED):
            server = _with_options(replace(bare, permalink=candidate), options)
            try:
                await self._accounts.add_server(server)
            except Conflict:
                if permalink is not None:
                    raise
            else:
                return server
        raise Conflict(f"Every permalink like {wanted} is taken")

    async def servers(self, organization: Organization) -> list[Server]:
        """The organization's servers, by permalink."""
        found = await self._accounts.servers(organization.id)
        return sorted(found, key=lambda server: server.permalink)

    async def server(self, organization: str, permalink: str) -> Server:
        """By permalinks; NotFound."""
        return await self._accounts.server(organization, permalink)

    async def update_server(self, server: Server, options: ServerOptions) -> Server:
        """Give a server other options; begin with `ServerOptions.of(server)` to change only some.

        The number of shards is part of where its messages lie, so that InvalidRequest refuses to change it. It refuses
        a new pool that has no queue, too.
        """
        if options.shards != server.shards:
            raise _wrong("shards", "The number of shards is chosen when a server is created")
        changed = _with_options(server, _checked(options))
        if changed.pool != server.pool:
            await self._check_pool(changed.pool)
        await self._accounts.update_server(changed)
        return changed

    async def suspend_server(self, server: Server, reason: str) -> Server:
        """Stop a server from sending and receiving, at once."""
        suspended = replace(
            server,
            suspended_at=server.suspended_at or int(self._clock.now()),
            suspension_reason=_name(reason, "reason"),
        )
        await self._accounts.update_server(suspended)
        return suspended

    async def unsuspend_server(self, server: Server) -> Server:
        """Lift a server's own suspension; its organization's stays."""
        lifted = replace(server, suspended_at=None, suspension_reason=None)
        await self._accounts.update_server(lifted)
        return lifted

    async def create_credential(
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
            raise _wrong("kind", "An SMTP-IP credential has a network, not a key")
        if _KEY.fullmatch(key) is None:
            raise _wrong("key", "A key has 20 to 100 letters, digits and underscores")
        return await self._keep_key(server, kind, name, key, options)

    async def credentials(self, server: Server) -> list[Credential]:
        """The server's credentials, oldest first."""
        found = await self._accounts.credentials(server.id)
        return sorted(found, key=lambda each: (each.created_at, each.name, each.id))

    async def revoke_credential(self, server: Server, credential: str) -> Credential:
        """Delete the credential with this id, and return what it was; NotFound."""
        for each in await self._accounts.credentials(server.id):
            if each.id == credential:
                await self._accounts.remove_credential(each)
                return each
        raise NotFound("There is no such credential here")

    async def _check_pool(self, pool: str) -> None:
        known = await self._queue.pools()
        if pool not in known:
            raise _wrong("pool", no_such_pool(pool, known))

    async def _apply_suspension(self, organization: Organization) -> Organization:
        await self._accounts.update_organization(organization)
        suspended = organization.suspended_at is not None
        for server in await self._accounts.servers(organization.id):
            if server.organization_suspended != suspended:
                await self._accounts.update_server(
                    replace(server, organization_suspended=suspended)
                )
        return organization

    async def _create_network(
        self, server: Server, name: str, options: CredentialOptions
    ) -> tuple[Credential, str]:
        if options.cram:
            raise _wrong("cram", "Only an SMTP credential can be used with CRAM-MD5")
        network = _network(options.network)
        bare = self._credential(server, CredentialKind.SMTP_IP, name, options)
        credential = replace(bare, network=network)
        await self._accounts.add_credential(credential)
        return credential, network

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
            raise _wrong("network", "Only an SMTP-IP credential has a network")
        if options.cram and kind is not CredentialKind.SMTP:
            raise _wrong("cram", "Only an SMTP credential can be used with CRAM-MD5")
        bare = self._credential(server, kind, name, options)
        credential = replace(bare, digest=key_digest(key), hint=key[-HINT_LENGTH:])
        if options.cram:
            sealed = await self._vault.seal(key.encode(), credential.context)
            credential = replace(credential, sealed_key=sealed)
        await self._accounts.add_credential(credential)
        return credential

    def _credential(
        self, server: Server, kind: CredentialKind, name: str, options: CredentialOptions
    ) -> Credential:
        return Credential(
            id=random_letters(self._rand.bytes(32), CREDENTIAL_ID_LETTERS),
            server_id=server.id,
            kind=kind,
            name=_name(name),
            created_at=int(self._clock.now()),
            hold=options.hold,
            bare_newlines=options.bare_newlines,
        )

    def _uuid(self) -> str:
        return str(uuid.UUID(bytes=self._rand.bytes(16), version=4))


def _candidates(base: str, reserved: frozenset[str]) -> Iterator[str]:
    return islice(names.candidates(base, reserved), MOST_CANDIDATES)


def _wanted(name: str, permalink: str | None, reserved: frozenset[str]) -> str:
    """The permalink that was asked for, or the one the name suggests."""
    if permalink is None:
        suggested = names.permalink_of(name)
        if not suggested:
            raise _wrong("permalink", "The name suggests no permalink, so one must be given")
        return suggested
    if permalink in reserved:
        raise _wrong("permalink", f"The permalink {permalink} is reserved")
    if not names.is_permalink(permalink, reserved):
        raise _wrong("permalink", "A permalink has 1 to 50 lower-case letters, digits and hyphens")
    return permalink


def _name(text: str, field: str = "name") -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise _wrong(field, f"The {field} must have 1 to {LONGEST_NAME} printable characters")
    return text


def _checked(options: ServerOptions) -> ServerOptions:
    if _POOL.fullmatch(options.pool) is None:
        raise _wrong("pool", "A pool's name has 1 to 32 lower-case letters, digits and hyphens")
    if not 1 <= options.shards <= MOST_SHARDS:
        raise _wrong("shards", f"The number of shards is 1 to {MOST_SHARDS}")
    if options.send_limit is not None and options.send_limit < 0:
        raise _wrong("send_limit", "The send limit is a number of messages, 0 or more")
    if options.retry_schedule is not None:
        try:
            parse_schedule(options.retry_schedule)
        except Rejected as unreadable:
            raise _wrong("retry_schedule", unreadable.public) from unreadable
    return options


def _with_options(server: Server, options: ServerOptions) -> Server:
    return replace(
        server,
        mode=options.mode,
        pool=options.pool,
        shards=options.shards,
        send_limit=options.send_limit,
        allow_sender=options.allow_sender,
        privacy_mode=options.privacy_mode,
        retry_schedule=options.retry_schedule,
        unknown_outcome=options.unknown_outcome,
    )


def _network(text: str | None) -> str:
    """The canonical CIDR text of an address or network, host bits cleared."""
    try:
        return str(ipaddress.ip_network((text or "").strip(), strict=False))
    except ValueError as unreadable:
        raise _wrong("network", "The network must be a valid IPv4 or IPv6 address") from unreadable


def _wrong(field: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, (FieldError(f"/{field}", "invalid", detail),))
