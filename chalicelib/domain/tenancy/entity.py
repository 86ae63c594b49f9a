"""How a noun of the configuration is declared, so that every store keeps it without a line of its own.

A declaration stands beside the noun's dataclass: `Entity` says what people call it, where it has its place, by which
other unique places it is found, how it is listed, and which of its fields are sealed. Stores write the short codes and
names as they stand here: what a declaration says about a place never changes once an installation has such a value.
Nothing here validates or stores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.domain.errors import Conflict, NotFound

T = TypeVar("T")

ITSELF = "A"  # the name of what its owner has one of


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is: the short code of the owner's kind, and the owner's id, empty where there is only one."""

    code: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: with its owner, under a name that is unique there for its kind."""

    owner: Owner
    name: str = ITSELF


@dataclass(frozen=True, eq=False, slots=True)
class LookUp(Generic[T]):
    """Another place by which one value is found; no two of the kind share it. None: this value has no such place.

    It keeps a second copy, so that one read finds the value. With `points_to` it keeps the id of the value's owner
    instead, whose code that is: for values that are read by that id most of the time, and changed often.
    """

    code: str
    place: Callable[[T], Place | None]
    points_to: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Entity(Generic[T]):
    """The declaration of a noun. Two values of a kind never share a place, nor one of their look-ups.

    word: what people call it, in the texts of Conflict and NotFound.
    place: where it is kept; it never changes.
    code: tells it from other kinds of the same owner; empty where there are none.
    look_ups: its other places. They may change, and are then free for others.
    listed: the one of them by whose owner and name it is listed, where that is not its own place. A list is in the
        order of its names, by code point.
    owners: the code under which owners that ever had one are remembered; empty: they are not.
    filters, texts: the fields by which a list can be narrowed, by equality and by text that they contain.
    sealed: the fields with bytes that the key vault has sealed; they are never shown, searched or compared.
    audited: what the audit log calls it; empty: its changes leave no entry.
    """

    kind: type[T]
    word: str
    place: Callable[[T], Place]
    code: str = ""
    look_ups: tuple[LookUp[T], ...] = ()
    listed: LookUp[T] | None = None
    owners: str = ""
    filters: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    audited: str = ""

    def taken(self) -> Conflict:
        """What is raised when one of its places is taken."""
        return Conflict(f"This {self.word} already exists")

    def missing(self) -> NotFound:
        """What is raised when it is not there."""
        return NotFound(f"There is no such {self.word}")

    def known(self, value: T | None) -> T:
        """The value; NotFound for None."""
        if value is None:
            raise self.missing()
        return value
