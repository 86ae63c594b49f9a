"""One noun brought: added when it is new, changed where Postal changed it, left where somebody changed it here.

What is of somebody else under the same name is never touched. A run that ended anywhere is repeated without harm: what
was added and not yet remembered is known by its UUID, or by an id that follows from Postal's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.postal.wanted import Note, Wanted, digests, merged, refused
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.receiver_secrets import ReceiverSecrets
from onehost.postal.memory import Memory
from onehost.postal.report import Report

TAKEN = "its name, key or address is somebody else's here"
REMOVED = "it was removed here"
SIGNED = frozenset({"http_endpoints", "webhooks"})  # requests to them have a secret of their own
Found = tuple[Wanted | None, list[Note]]
KINDS = {
    "http_endpoints": "endpoints",
    "smtp_endpoints": "endpoints",
    "address_endpoints": "endpoints",
    "organization_users": "members",
    "ip_pool_rules": "pool rules",
    "ip_addresses": "sources",
    "track_domains": "track domains",
}


@dataclass(frozen=True, slots=True)
class Bring:
    """Brings nouns into a program, or with `dry_run` says what it would do."""

    program: Posthorn
    report: Report
    dry_run: bool

    async def noun(self, memory: Memory, found: Found, number: int = 0) -> Any | None:
        """The value as it stands here by then; None where it was not brought. `number` is what it has here."""
        wanted, notes = found
        self.report.note(*notes)
        if wanted is None:
            self.report.count("rows", "refused")
            return None
        known = memory.of(wanted.table, wanted.row)
        current = await self._current(wanted)
        if known is None and current is None:
            return await self._add(memory, wanted, number)
        if current is None:
            self._left(wanted, REMOVED)
            return None
        if known is None and not _is_same(wanted, current):
            self._refused(wanted)
            return None
        base = memory.fields(wanted.table, wanted.row)
        if known is None:
            base = digests(wanted.entity, wanted.value, wanted.secrets)
        return await self._merge(memory, wanted, current, base, number)

    async def _current(self, wanted: Wanted) -> Any | None:
        repository, entity = self.program[Repository], wanted.entity
        with suppress(NotFound):
            return await repository.get(entity, entity.place(wanted.value))
        return None

    async def _add(self, memory: Memory, wanted: Wanted, number: int) -> Any | None:
        if await self._is_taken(wanted):
            self._refused(wanted)
            return None
        if not self.dry_run:
            value = await self._sealed(wanted, wanted.value, tuple(wanted.secrets))
            if wanted.table in SIGNED:
                value, _ = await self.program[ReceiverSecrets].with_secret(value)
            try:
                await self.program[Repository].add(wanted.entity, value)
            except Conflict:
                self._refused(wanted)
                return None
        await memory.keep(
            wanted.table,
            wanted.row,
            digests(wanted.entity, wanted.value, wanted.secrets),
            number,
        )
        self._count(wanted, "new")
        return wanted.value

    async def _merge(  # what was, what is, and what is remembered
        self, memory: Memory, wanted: Wanted, current: Any, base: dict[str, str], number: int
    ) -> Any:
        result = merged(wanted, current, base)
        value = result.value
        if result.taken and not self.dry_run:
            value = await self._sealed(wanted, value, result.taken)
            try:
                await self.program[Repository].replace(wanted.entity, value)
            except Conflict:
                self._refused(wanted)
                return None
        await memory.keep(wanted.table, wanted.row, result.known, number)
        if result.left:
            self._left(wanted, f"{', '.join(result.left)} differ from Postal's")
        if result.taken or not result.left:
            self._count(wanted, "changed" if result.taken else "same")
        return value

    async def _is_taken(self, wanted: Wanted) -> bool:
        """Whether somebody else has one of its other places."""
        for look_up in wanted.entity.look_ups:
            place = look_up.place(wanted.value)
            if place is None:
                continue
            with suppress(NotFound):
                await self.program[Repository].find(wanted.entity, look_up, place)
                return True
        return False

    async def _sealed(self, wanted: Wanted, value: Any, names: tuple[str, ...]) -> Any:
        """The value with what is secret of these fields, sealed."""
        vault = self.program[KeyVault]
        for name in names:
            secret = wanted.secrets.get(name)
            if secret is None:
                continue
            if name == "keys":
                (key,) = wanted.value.keys
                wrapped = await vault.seal(secret, key.context)
                value = replace(value, keys=(replace(key, wrapped=wrapped),))
            else:
                value = replace(value, **{name: await vault.seal(secret, value.context)})
        return value

    def _refused(self, wanted: Wanted) -> None:
        self.report.note(refused(wanted.what, TAKEN))
        self._count(wanted, "refused")

    def _left(self, wanted: Wanted, why: str) -> None:
        self.report.leave(wanted.what, why)
        self._count(wanted, "left")

    def _count(self, wanted: Wanted, what: str) -> None:
        self.report.count(KINDS.get(wanted.table, wanted.table), what)


def _is_same(wanted: Wanted, current: Any) -> bool:
    """Whether what is there is what an earlier run brought and did not remember: by its UUID, else by its id, which
    nobody else's has."""
    ours = getattr(wanted.value, "uuid", None)
    return ours is None or bool(getattr(current, "uuid", None) == ours)
