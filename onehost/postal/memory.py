"""What was brought before, so that a second run knows what changed on either side: read once for each group, written
as soon as something was brought."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.tenancy.brought import BROUGHT, Brought, of_group
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.ports.repository import Repository

MARKS = "marks"


class Memory:
    """The rows that were brought of one organization or server of Postal."""

    def __init__(self, repository: Repository, group: str, *, dry_run: bool) -> None:
        self._repository = repository
        self._group = group
        self._dry_run = dry_run
        self._known: dict[tuple[str, str], Brought] = {}

    async def read(self) -> Memory:
        """Itself, with all that is known."""
        found = await self._repository.all(BROUGHT, of_group(self._group))
        self._known = {(one.table, one.row): one for one in found}
        return self

    def of(self, table: str, row: str) -> Brought | None:
        """What is known of a row."""
        return self._known.get((table, row))

    def fields(self, table: str, row: str) -> dict[str, Any]:
        """What is remembered of it by name."""
        known = self.of(table, row)
        found: dict[str, Any] = {} if known is None else json.loads(known.fields)
        return found

    def mark(self, name: str) -> int:
        """How far a long table was read."""
        known = self.of(MARKS, name)
        return 0 if known is None else known.number

    async def keep_mark(
        self, name: str, number: int, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Remember how far."""
        await self.keep(MARKS, name, fields or {}, number)

    async def keep(self, table: str, row: str, fields: Mapping[str, Any], number: int = 0) -> None:
        """Remember a row."""
        text = json.dumps(dict(fields), separators=(",", ":"), sort_keys=True)
        one = Brought(self._group, table, row, number, text)
        before = self._known.get((table, row))
        if one == before:
            return
        self._known[table, row] = one
        if not self._dry_run:
            verb = Verb.ADD if before is None else Verb.REPLACE
            await self._repository.change(Change(verb, BROUGHT, one))
