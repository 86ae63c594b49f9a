"""Exports of suppressions: CSV as it is imported, times of entries as they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.csv_rows import rendered
from chalicelib.domain.mail.suppression_rows import COLUMNS, row_of
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Name, Reason, SuppressionFilter, SuppressionScope, list_of
from chalicelib.domain.suppression_told import told_of
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.exported_rows import PART, Found, Row, line, moment
from chalicelib.services.jobs.kinds import Parameters
from chalicelib.services.tenancy.directory import Directory


class ExportedSuppressions:
    """Entries of the lists that act on mail of a server, or of an organization."""

    scope = "suppressions:read"
    filters = frozenset({"address", "reason", "scope", "stream", "since", "until"})
    columns: tuple[str, ...] = COLUMNS
    is_of_organizations = True
    has_numbers = False
    gone = "This entry was removed meanwhile"

    def __init__(self, clock: Clock, lists: SuppressionList, directory: Directory) -> None:
        self._clock = clock
        self._lists = lists
        self._directory = directory

    async def find(
        self, owner: ServerId, parameters: Parameters, position: str | None, at: float
    ) -> Found:
        """Which list has which entry."""
        lists = [owner]
        if owner > 0:
            lists.append(list_of((await self._directory.server(owner)).organization_id))
        wanted = _suppressions(parameters.get("filter") or {})
        page = await self._lists.page(lists, wanted, PART, self._clock.now(), position)
        ids = [
            json.dumps([_list_of(one.scope, lists), one.address, one.stream]) for one in page.values
        ]
        return ids, page.next_cursor

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """As they stand now."""
        named = [(address, ServerId(of), stream) for of, address, stream in map(json.loads, ids)]
        wanted: dict[ServerId, list[Name]] = {}
        for address, of, stream in named:
            wanted.setdefault(of, []).append(Name(address, stream))
        now = self._clock.now()
        found = {of: await self._lists.get(of, names, now) for of, names in wanted.items()}
        entries = (found[of].get(Name(address, stream)) for address, of, stream in named)
        return [
            None if one is None else (rendered(row_of(one)), line(told_of(one))) for one in entries
        ]


def _list_of(scope: SuppressionScope, lists: Sequence[ServerId]) -> ServerId:
    """Which of the lists an entry of this scope is on."""
    return lists[-1] if scope is SuppressionScope.ORGANIZATION else lists[0]


def _suppressions(wanted: Mapping[str, Any]) -> SuppressionFilter:
    reason, scope = wanted.get("reason"), wanted.get("scope")
    return SuppressionFilter(
        address=wanted.get("address"),
        reason=None if reason is None else Reason(reason),
        scope=None if scope is None else SuppressionScope(scope),
        stream=wanted.get("stream"),
        since=moment(wanted.get("since")),
        until=moment(wanted.get("until")),
    )
