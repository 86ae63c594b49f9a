"""Searches that name a route, an endpoint or a credential as people call it: messages keep ids alone.

A route is called by its name, with its domain or without. What is gone is found by its id only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.query import Clause, Condition, Key, Pattern, Query
from chalicelib.domain.search.words import fold
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.entity import Entity
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.routes import ROUTES, Route
from chalicelib.ports.repository import Repository

_Called = Callable[[Any], tuple[str, ...]]


def _names_of_route(route: Route) -> tuple[str, ...]:
    return route.name, f"{route.name}@{route.domain}"


_NAMED: dict[Key, tuple[Entity[Any], _Called]] = {
    Key.ROUTE: (ROUTES, _names_of_route),
    Key.ENDPOINT: (ENDPOINTS, lambda one: (one.name,)),
    Key.CREDENTIAL: (CREDENTIALS, lambda one: (one.name,)),
}


class NamesInSearches:
    """Puts ids beside names."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def resolved(self, server: ServerId, query: Query) -> Query:
        """The query, which is also for what belongs to those that are called as it says."""
        keys = {one.key for clause in query.clauses for one in clause.conditions}
        known = {key: await self._all(server, key) for key in keys & _NAMED.keys()}
        if not known:
            return query
        return replace(query, clauses=tuple(_with_ids(one, known) for one in query.clauses))

    async def _all(self, server: ServerId, key: Key) -> list[tuple[str, tuple[str, ...]]]:
        """The ids, each with the names that it is called by."""
        entity, called = _NAMED[key]
        found = await self._repository.all(entity, of_server(server), fresh=False)
        return [(one.id, tuple(map(fold, called(one)))) for one in found]


def _with_ids(clause: Clause, known: dict[Key, list[tuple[str, tuple[str, ...]]]]) -> Clause:
    added = [
        Condition(one.key, Pattern((fold(id_),)))
        for one in clause.conditions
        if isinstance(one.value, Pattern) and any(one.value.parts)
        for id_, names in known.get(one.key, ())
        if any(map(one.value.fits, names))
    ]
    return replace(clause, conditions=(*clause.conditions, *added))
