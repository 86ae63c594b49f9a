"""Which operation of the API takes a request: the tables that the functions register, with API Gateway's choice.

A route is looked for by path and method together: those of fixed length first, where a literal part wins over a
variable one, then `{name+}`, which takes any number of parts. One slash at the end is passed over. Variable parts stay
as sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.api import unsubscribe_page
from chalicelib.api.http import Fallback, Operation
from chalicelib.api.v1 import envelope as v1_envelope
from chalicelib.api.v1 import routes as v1_routes
from chalicelib.api.v2 import problems as v2_problems
from chalicelib.api.v2 import routes as v2_routes
from chalicelib.web import entry


@dataclass(frozen=True, slots=True)
class WebRoute:
    """An operation, its name in the log, and what answers when it breaks."""

    unit: str
    path: str
    operation: Operation
    failed: Fallback


class Found(NamedTuple):
    """A route, and the variable parts of the path that it took."""

    route: WebRoute
    values: Mapping[str, str]


class WebRoutes:
    """The routes of both versions of the API, and of pages."""

    def __init__(self) -> None:
        self._by_method: dict[str, list[WebRoute]] = {}
        for failed, routes in (
            (v1_envelope.failed, v1_routes.routes()),
            (v2_problems.failed, v2_routes.routes()),
        ):
            for unit, path, methods, operation in routes:
                for method in methods:
                    route = WebRoute(unit, path, operation, failed)
                    self._by_method.setdefault(method, []).append(route)
        for page, methods in _pages():
            for method in methods:
                self._by_method.setdefault(method, []).append(page)
        for found in self._by_method.values():
            # `{` comes behind every letter.
            found.sort(key=lambda route: (route.path.endswith("+}"), route.path))

    def find(self, method: str, path: str) -> Found | None:
        """The route of a request."""
        parts = path.removesuffix("/").split("/")
        for route in self._by_method.get(method, ()):
            values = _values(route.path.removesuffix("/").split("/"), parts)
            if values is not None:
                return Found(route, values)
        return None


def _pages() -> tuple[tuple[WebRoute, tuple[str, ...]], ...]:
    unsubscribing = WebRoute(
        "page.unsubscribe",
        unsubscribe_page.PATH,
        unsubscribe_page.answer_unsubscribe,
        unsubscribe_page.broken,
    )
    dashboard = [
        (WebRoute(unit, path, entry.answer_page, entry.broken), entry.METHODS)
        for unit, path in entry.ROUTES
    ]
    return ((unsubscribing, unsubscribe_page.METHODS), *dashboard)


def _values(template: list[str], parts: list[str]) -> dict[str, str] | None:
    """What stands in the variable parts; None when the path is another."""
    last = len(template) - 1
    if template[last].endswith("+}"):
        if template[:last] != parts[:last] or not "".join(parts[last:]):
            return None
        return {template[last][1:-2]: "/".join(parts[last:])}
    if len(template) != len(parts):
        return None
    values = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            values[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return values
