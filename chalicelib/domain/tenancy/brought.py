"""What was brought from another installation, row by row: what a row became, and how it was when it was brought."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, Owner, Place


@dataclass(frozen=True, slots=True)
class Brought:
    """A row of a table there. `group` is the organization or server that it belongs to there, by its UUID, and `row`
    tells it from others of its table. `number` is the number that it has here, where it has one, or how far a long
    table was read; `fields` is a JSON object with a digest for each field, or with what else the next run must know.
    """

    group: str
    table: str
    row: str
    number: int = 0
    fields: str = "{}"


def of_group(group: str) -> Owner:
    """What was brought of an organization or a server there."""
    return Owner("BR", group)


BROUGHT = Entity(
    Brought,
    "brought row",
    place=lambda one: Place(of_group(one.group), f"{one.table} {one.row}"),
    owners="BROUGHT",
)


@dataclass(frozen=True, slots=True)
class ServerToken:
    """The token of a server that was brought, as it stands in links that were sent before: whoever has a link finds the
    server by it. One that is gone is not there behind it."""

    token: str
    server_id: ServerId


def of_server_token(token: str) -> Owner:
    """The server that a token names, in any letter case."""
    return Owner("ST", token.lower())


SERVER_TOKENS = Entity(
    ServerToken,
    "server token",
    place=lambda one: Place(of_server_token(one.token)),
    owners="SERVER-TOKENS",
)
