"""Searches as pages show them: split into their terms, each of which becomes a chip, and put together again.

Pure, linear, and only for show: what a search means, and what is wrong with it, the API says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1_000
MOST = 20
_TERM = re.compile(
    r'(?P<no>-?)(?:(?P<key>[A-Za-z][\w.-]*):[ \t]*)?(?P<value>"(?:\\.|[^"\\])*"?|[^\s"]\S*)'
)


@dataclass(frozen=True, slots=True)
class Term:
    """One term as it was written, its key (empty for a bare word), its value without quotes, and whether it says no."""

    text: str
    key: str
    value: str
    is_not: bool = False


def terms_of(query: str) -> list[Term]:
    """The terms of a search, at most MOST of them."""
    found: list[Term] = []
    for match in _TERM.finditer(query[:LONGEST]):
        if len(found) == MOST:
            break
        value = match["value"]
        if value.startswith('"'):
            value = value[1:].removesuffix('"').replace('\\"', '"')
        found.append(Term(match[0], (match["key"] or "").lower(), value, bool(match["no"])))
    return found


def without(query: str, term: Term) -> str:
    """The search without a term of it."""
    left = [one.text for one in terms_of(query)]
    if term.text in left:
        left.remove(term.text)
    return " ".join(left)


def with_term(query: str, text: str) -> str:
    """The search with one more term, which is not added twice."""
    written = [one.text for one in terms_of(query)]
    return " ".join(written if text in written else [*written, text])


def has_key(query: str, *keys: str) -> bool:
    """Whether a term with one of these keys is there."""
    return any(one.key in keys for one in terms_of(query))


def quoted(value: str) -> str:
    """A value as it stands in a search."""
    if re.fullmatch(r'[^\s"]+', value):
        return value
    escaped = value.replace("\\", "").replace('"', '\\"')
    return f'"{escaped}"'
