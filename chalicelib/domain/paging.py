"""Pages of a list, and what narrows a list of configuration values.

A page may be shorter than asked for, also empty, and yet not the last: only the missing cursor says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from chalicelib.domain.tenancy.entity import Entity

T = TypeVar("T")

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Values whose fields equal these, of which one of the declared texts contains `text`, whatever its case, and that
    pass the test."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    test: Callable[[Any], bool] | None = None

    @property
    def is_empty(self) -> bool:
        """True when every value matches."""
        return not self.equal and not self.text and self.test is None


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some values of a list, and the cursor of what follows; None on the last page."""

    values: tuple[T, ...]
    next_cursor: str | None = None


def check_page(entity: Entity[T], limit: int, wanted: Filter) -> None:
    """ValueError for a limit that is not 1 to MOST_LISTED, and for fields that the entity does not filter by."""
    if not 1 <= limit <= MOST_LISTED:
        raise ValueError(f"a page has 1 to {MOST_LISTED} values, not {limit}")
    if undeclared := set(wanted.equal) - set(entity.filters):
        raise ValueError(f"a {entity.word} is not filtered by {', '.join(sorted(undeclared))}")


def matches(entity: Entity[T], value: T, wanted: Filter) -> bool:
    """Whether a value is among those wanted."""
    if any(getattr(value, name) != one for name, one in wanted.equal.items()):
        return False
    if wanted.test is not None and not wanted.test(value):
        return False
    text = wanted.text.lower()
    return not text or any(text in str(getattr(value, name)).lower() for name in entity.texts)
