"""How many values a v2 request may hold before its fields are looked at, and how many wrong ones it is told of.

Validation names every wrong field, so its work and its answer grow with what a client invents. One pass over the parsed
JSON, which ends at the first limit, keeps both small; the limits are far above what a valid request can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import FieldError

MOST_MEMBERS = 2_000  # of an object
MOST_ENTRIES = 1_000  # of a list
MOST_VALUES = (
    4_000  # members and entries of one message: 500 attachments with all their fields are 3,000
)
MOST_ERRORS = 100
LONGEST_STEP = 100
LONGEST_DETAIL = 300

_Place = tuple[Any, ...]  # (place around it, name or number), empty for the whole


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901). A name beyond 100 characters, which no field has, is cut."""
    return "".join(f"/{_escaped(_cut(str(step), LONGEST_STEP))}" for step in steps)


def excess(value: Any) -> FieldError | None:
    """The first object or list found that has too many members, or that there are too many in all."""
    waiting: list[tuple[_Place, Any]] = [((), value)]
    seen = 0
    while waiting:
        place, inner = waiting.pop()
        if isinstance(inner, dict):
            if len(inner) > MOST_MEMBERS:
                return _too_many(place, f"has more than {MOST_MEMBERS} members")
            steps: Iterator[tuple[Any, Any]] = iter(inner.items())
        else:
            if len(inner) > MOST_ENTRIES:
                return _too_many(place, f"has more than {MOST_ENTRIES} entries")
            steps = enumerate(inner)
        seen += len(inner)
        if seen > MOST_VALUES:
            return _too_many((), f"has more than {MOST_VALUES} members and entries")
        waiting += [((place, step), one) for step, one in steps if isinstance(one, dict | list)]
    return None


def told(errors: Iterable[FieldError], most: int) -> tuple[FieldError, ...]:
    """The first `most` complaints, one for each field, none longer than a client can use. Asks for no more."""
    kept: dict[str, FieldError] = {}
    for error in errors:
        if len(kept) == most:
            break
        cut = replace(error, detail=_cut(error.detail, LONGEST_DETAIL))
        kept.setdefault(error.pointer, cut)
    return tuple(kept.values())


def _too_many(place: _Place, detail: str) -> FieldError:
    steps: list[str | int] = []
    while place:
        place, step = place
        steps.append(step)
    return FieldError(pointer(*reversed(steps)), "too_many", detail)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
