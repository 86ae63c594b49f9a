"""Ways out as people change them: egress sources, and the pools that they make up.

A source is checked before it is kept, its password is sealed under the installation's key, and its name is the only one
of its kind in the installation, because workers remember by it what failed. Workers follow a change within half a
minute. Nothing here tries a source, or resolves its host: the first message does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.dns.records import is_domain_name
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NotFound,
    PermanentFailure,
    unknown_reference,
)
from chalicelib.domain.tenancy.listings import resumed
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization, of_pool
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES, EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault

DEFAULT_POOL = "default"
FOREVER = 253_402_300_799  # the end of the year 9999
MOST_PRIORITY = 1_000
LONGEST_PASSWORD = 255  # RFC 1929
TLS_MODES = ("opportunistic", "required", "implicit", "none")
SOCKS_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT = 1080, 587, 465
MOST_NAMED = 10
WRONG_PORT = "The port is 1 to 65535"
POOL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
WRONG_NAME = "A source's name has 1 to 63 lower-case letters, digits, dots, hyphens and underscores"
WRONG_POOL = "A pool's name has 1 to 32 lower-case letters, digits and hyphens"
NO_USER_NAME = "A password goes with a user name, which this source does not have"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool: the full names of the mail servers whose mail it takes, and its ways out, both by name. Without a queue
    it takes none: their mail is turned away until the pool is deployed, or they are moved."""

    name: str
    servers: tuple[str, ...]
    sources: tuple[EgressSource, ...]
    has_queue: bool


class Sources:
    """The ways out of the installation."""

    def __init__(
        self, repository: Repository, vault: KeyVault, clock: Clock, queue: WorkQueue
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._clock = clock
        self._queue = queue

    async def pools(self) -> list[Pool]:
        """Every pool that has a queue, that a server is in, or that ever had a source; by name."""
        deployed = frozenset(await self._queue.pools())
        servers: dict[str, list[str]] = {name: [] for name in deployed}
        for organization in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            for server in await self._repository.all(SERVERS, of_organization(organization.id)):
                servers.setdefault(server.pool, []).append(server.full_name)
        for name in await self._repository.owners(SOURCES):
            servers.setdefault(name, [])
        return [
            Pool(name, tuple(sorted(servers[name])), tuple(await self.of(name)), name in deployed)
            for name in sorted(servers)
        ]

    async def of(self, pool: str) -> list[EgressSource]:
        """The sources of a pool, by name."""
        return await self._repository.all(SOURCES, of_pool(pool))

    async def all(self) -> list[EgressSource]:
        """The sources of every pool, by pool and name."""
        pools = await self._repository.owners(SOURCES)
        return [source for pool in pools for source in await self.of(pool)]

    async def find(self, name: str, pool: str | None = None) -> EgressSource:
        """The source of this name; NotFound, or Conflict when pools that were filled otherwise have one each."""
        among = await self.all() if pool is None else await self.of(pool)
        found = [source for source in among if source.name == name]
        if len(found) > 1:
            pools = ", ".join(source.pool for source in found)
            raise Conflict(f"The pools {pools} each have a source of this name; say which is meant")
        if not found:
            raise NotFound("There is no such egress source")
        return found[0]

    async def add(self, source: EgressSource, password: str = "") -> EgressSource:
        """Check and keep a new source. InvalidRequest names what is wrong, a pool that must be deployed first among it;
        Conflict when the name is taken."""
        checked = _checked(_completed(source), password)
        known = await self._queue.pools()
        if self._queue.pools_are_deployed and source.pool not in known:
            raise unknown_reference("pool", no_such_pool(source.pool, known))
        return await self._add(checked, password)

    async def _add(self, checked: EgressSource, password: str) -> EgressSource:
        if any(known.name == checked.name for known in await self.all()):
            raise Conflict("An egress source of this name already exists")
        kept = await self._sealed(checked, password)
        await self._repository.add(SOURCES, kept)
        return kept

    async def change(self, source: EgressSource, password: str = "") -> EgressSource:
        """Keep a source's new values, all but pool and name; without a password the old one stays."""
        kept = await self._sealed(_checked(source, password), password)
        await self._repository.replace(SOURCES, kept)
        return kept

    async def update(self, source: EgressSource, given: Mapping[str, Any]) -> EgressSource:
        """Change these fields of a source, all but pool and name, and leave alone what others change meanwhile. An
        empty `password` takes the login away, unless it comes with a user name. InvalidRequest names what is wrong."""
        changes = dict(given)
        password: str | None = changes.pop("password", None)
        if password == "":
            changes = {"username": "", "sealed_password": None, **changes}
        elif password is not None:
            changes["sealed_password"] = await self._vault.seal(password.encode(), source.context)

        def changed(one: EgressSource) -> EgressSource:
            moved = changes.get("host", one.host) != one.host  # a password is for one host
            known = replace(one, sealed_password=None) if moved else one
            after = _checked(known.changed(**changes), password or "")
            return after if after.username else replace(after, sealed_password=None)

        return await self._repository.modify(SOURCES, SOURCES.place(source), changed)

    async def bring(self, source: EgressSource, password: str) -> bool:
        """Add the source, or change the way it is reached; True when that was needed. Its pool is the caller's to know.

        What a person has set stays: priority, EHLO name, TLS and suspension.
        """
        known = {one.name: one for one in await self.of(source.pool)}.get(source.name)
        if known is None:
            await self._add(_checked(_completed(source), password), password)
            return True
        wanted = known.changed(
            kind=source.kind,
            address=source.address,
            address6=source.address6,
            host=source.host,
            port=source.port,
            username=source.username,
        )
        if wanted == known and await self._has(known, password):
            return False
        await self.change(wanted, password)
        return True

    async def remove(self, source: EgressSource) -> None:
        """Remove a source. Mail goes by the others of its pool, or without any straight out."""
        await self._repository.remove(SOURCES, source)

    async def suspend(self, source: EgressSource, seconds: int | None = None) -> EgressSource:
        """Send nothing from this source for a time, or until it is resumed."""
        until = FOREVER if seconds is None else int(self._clock.now()) + seconds
        return await self._until(source, until)

    async def resume(self, source: EgressSource) -> EgressSource:
        """End a suspension, a list's too. What a worker has found broken it leaves alone for five minutes at most."""
        return await self._repository.modify(SOURCES, SOURCES.place(source), resumed)

    async def _until(self, source: EgressSource, until: int) -> EgressSource:
        return await self._repository.modify(
            SOURCES, SOURCES.place(source), lambda one: replace(one, suspended_until=until)
        )

    async def _sealed(self, source: EgressSource, password: str) -> EgressSource:
        if not source.username:
            return replace(source, sealed_password=None)
        if not password:
            return source
        sealed = await self._vault.seal(password.encode(), source.context)
        return replace(source, sealed_password=sealed)

    async def _has(self, source: EgressSource, password: str) -> bool:
        if source.sealed_password is None:
            return not password
        try:
            known = await self._vault.open(source.sealed_password, source.context)
        except PermanentFailure:  # sealed under a key that is gone: it is sealed anew
            return False
        return known == password.encode()


def no_such_pool(pool: str, known: Collection[str]) -> str:
    """The sentence for a pool that no queue was deployed for; it names those that exist, at most MOST_NAMED."""
    if not known:
        return f"There is no pool {pool}; the installation has no queue at all"
    first, more = sorted(known)[:MOST_NAMED], len(known) - MOST_NAMED
    names = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    return f"There is no pool {pool}; the pools are: {names}"


def sends_password_in_clear(source: EgressSource) -> bool:
    """True for a smarthost that gets user name and password without TLS, as `tls` none has it; the other modes send
    them encrypted or not at all."""
    return source.kind is EgressKind.SMARTHOST and bool(source.username) and source.tls == "none"


def _completed(source: EgressSource) -> EgressSource:
    """The source with what follows from its kind: ports, and the proxy's user name, which is the address it binds."""
    if source.kind is EgressKind.SOCKS5:
        username = source.username or source.address or source.address6
        return replace(source, port=source.port or SOCKS_PORT, username=username)
    if source.kind is EgressKind.SMARTHOST:
        usual = SUBMISSIONS_PORT if source.tls == "implicit" else SUBMISSION_PORT
        return replace(source, port=source.port or usual)
    return source


def _checked(source: EgressSource, password: str) -> EgressSource:
    """The source, its names in ASCII; InvalidRequest with every field that is wrong."""
    source = replace(source, host=_in_ascii(source.host), ehlo=_in_ascii(source.ehlo))
    wrong = [*_wrong_names(source), *_wrong_way(source, password)]
    if wrong:
        errors = tuple(FieldError(f"/{field}", "invalid", detail) for field, detail in wrong)
        raise InvalidRequest("; ".join(detail for _, detail in wrong), errors)
    return source


def _wrong_names(source: EgressSource) -> Iterator[tuple[str, str]]:
    if _NAME.fullmatch(source.name) is None:
        yield "name", WRONG_NAME
    if POOL.fullmatch(source.pool) is None:
        yield "pool", WRONG_POOL
    if source.ehlo and not is_domain_name(source.ehlo):
        yield "ehlo", "The EHLO name is a domain name in lower case, such as out1.acme.com"
    if not 0 <= source.priority <= MOST_PRIORITY:
        yield "priority", f"The priority is 0 to {MOST_PRIORITY}"
    if source.tls not in TLS_MODES:
        yield "tls", f"TLS is one of {', '.join(TLS_MODES)}"
    for field, text, version in (("address", source.address, 4), ("address6", source.address6, 6)):
        if text and _version_of(text) != version:
            yield field, f"The {field} is not an IPv{version} address"


def _wrong_way(source: EgressSource, password: str) -> Iterator[tuple[str, str]]:
    if source.kind is EgressKind.DIRECT:
        if source.host or source.port or source.username or password or source.tls == "implicit":
            detail = "A direct source has no host, port, user name, password or implicit TLS"
            yield "kind", detail
        return
    if not source.host:
        yield "host", f"A source of the kind {source.kind.value} needs a host"
    elif not _is_host(source.host):
        yield "host", "The host is an address or a name in lower case, such as smtp.acme.com"
    if not 0 < source.port < 65_536:
        yield "port", WRONG_PORT
    if source.kind is EgressKind.SOCKS5 and source.tls == "implicit":
        yield "tls", "Implicit TLS is for smarthosts"
    yield from _wrong_login(source, password)


def _wrong_login(source: EgressSource, password: str) -> Iterator[tuple[str, str]]:
    if source.username and not (password or source.sealed_password):
        yield "password", "A source with a user name needs a password"
    if password and not source.username:
        yield "password", NO_USER_NAME
    if max(len(password.encode()), len(source.username.encode())) > LONGEST_PASSWORD:
        yield "password", f"User name and password have up to {LONGEST_PASSWORD} bytes"


def _in_ascii(name: str) -> str:
    return name if name.isascii() else typed_name(name) or name


def _is_host(text: str) -> bool:
    """True for an address, a domain name, or a name of one label, as containers have."""
    if _version_of(text):
        return True
    return is_domain_name(text) or bool(_HOST_LABEL.fullmatch(text) and not text.isdigit())


def _version_of(text: str) -> int:
    """4 or 6 for an address; 0 for what is none."""
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return 0
