"""Rows as Postal 3.3.6 was recorded to have them, and tenants of ours to bring them for."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.postal.config import Names
from chalicelib.domain.postal.tenants import organization_of, server_of
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server

GOLDEN = Path(__file__).parent / "data" / "golden" / "database.json"
NAMES = Names(
    "postal.example.com",
    "postal.example.com",
    "routes.postal.example.com",
    "rp.postal.example.com",
    "track.postal.example.com",
    "psrp",
    "postal",
    "spf.postal.example.com",
    ("mx1.postal.example.com",),
)


@cache
def _recorded() -> Any:
    return json.loads(GOLDEN.read_text())


def rows(table: str, database: str = "main") -> list[dict[str, Any]]:
    """The rows of a table."""
    return [dict(row) for row in _recorded()[database][table]["rows"]]


def a_row(table: str, number: int, database: str = "main", **changes: Any) -> dict[str, Any]:
    """One row, changed."""
    (found,) = (row for row in rows(table, database) if row["id"] == number)
    return found | changes


def an_organization() -> Organization:
    """Acme."""
    found, _ = organization_of(a_row("organizations", 1), OrganizationId(7))
    assert found is not None
    value: Organization = found.value
    return value


def a_server(**changes: Any) -> Server:
    """The server that the recorded messages are of."""
    found, _ = server_of(a_row("servers", 2, **changes), an_organization(), ServerId(9))
    assert found is not None
    value: Server = found.value
    return value
