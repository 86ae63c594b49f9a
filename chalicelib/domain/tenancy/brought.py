"""What was brought from another installation, row by row: what a row became, and how it was when it was brought."""

from __future__ import annotations

from dataclasses import dataclass

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
