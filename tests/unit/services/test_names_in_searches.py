"""A search that names a route, an endpoint or a credential as people call it finds the messages that keep its id."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.ports.repository import Repository
from chalicelib.services.messages.names import NamesInSearches
from tests.findables import ANY_TIME, findable

SERVER = ServerId(1)
FOUND = findable(route="rtA", endpoint="epA", credential="crA")


class Configured:
    """A configuration with two of each kind; it counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def all(self, entity: Any, owner: Any, *, fresh: bool) -> list[Any]:
        assert not fresh
        self.asked.append(entity)
        called = {
            ROUTES: (("rtA", "support"), ("rtB", "*")),
            ENDPOINTS: (("epA", "CRM"), ("epB", "Größe")),
            CREDENTIALS: (("crA", "Main app"), ("crB", "other")),
        }
        return [
            SimpleNamespace(id=id_, name=name, domain="acme.example")
            for id_, name in called[entity]
        ]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("route:support", True),
        ("route:SUPPORT@acme.example", True),
        ("route:supp*", True),
        ("route:rta", True),
        ("route:rtb", False),
        ("route:sales", False),
        ("route:[blank]", False),
        ("route:*", True),
        ("-route:support", False),
        ("-route:sales", True),
        ("endpoint:crm", True),
        ("endpoint:GRÖSSE", False),
        ('credential:"main app"', True),
        ("credential:other credential:main*", True),
        ("credential:other -tag:x", False),
        ("endpoint:crm route:support", True),
        ("endpoint:crm route:sales", False),
    ],
)
async def test_it_is_found_by_name_and_by_id(text: str, is_found: bool) -> None:
    names = NamesInSearches(cast("Repository", Configured()))
    query = await names.resolved(SERVER, parse_query(text, ANY_TIME))
    assert holds(query, FOUND) is is_found


async def test_nothing_is_asked_for_a_search_without_names() -> None:
    configured = Configured()
    names, query = NamesInSearches(cast("Repository", configured)), parse_query("a tag:b", ANY_TIME)
    assert await names.resolved(SERVER, query) is query
    assert configured.asked == []
