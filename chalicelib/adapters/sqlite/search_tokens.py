"""Terms of messages as the tokens of search.db, and what is wanted as an expression over them.

A token is a term behind the number of its server, so that what one server has costs another nothing. The index parts
a text at blanks, and at what else of ASCII `_KEPT` does not name; such characters are all written as `_`. That makes
some different terms the same, and a beginning the beginning of its term: an index may find too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.index_terms import Wanted

_KEPT = "!#$%&()*+,-./:;<=>?@[\\]^_`{|}~"
_WRITTEN = str.maketrans(
    {code: "_" for code in range(128) if not (chr(code).isalnum() or chr(code) in _KEPT)}
)


def tokens(server: ServerId, scope: Scope, terms: Iterable[str]) -> str:
    """The text under which the index keeps a message."""
    start = f" {server:x}."
    return f"{server:x}.{scope_term(scope)}" + "".join([start + _written(term) for term in terms])


def expression(server: ServerId, scope: Scope | None, wanted: Sequence[Wanted]) -> str:
    """What finds the messages of a server that have one of each of what is wanted; empty when nothing narrows them."""
    parts = [_any_of(server, one) for one in wanted]
    if scope is not None:
        parts.append(f'"{server:x}.{scope_term(scope)}"')
    return " AND ".join(parts)


def scope_term(scope: Scope) -> str:
    """The term of all messages in one direction; no key of the language is called so."""
    return f"in={scope.value}"


def _any_of(server: ServerId, wanted: Wanted) -> str:
    whole = [f'"{server:x}.{_written(one)}"' for one in sorted(wanted.terms)]
    begun = [f'"{server:x}.{_written(one)}" *' for one in sorted(wanted.beginnings)]
    return f"({' OR '.join(whole + begun)})"


def _written(term: str) -> str:
    text = term.translate(_WRITTEN)
    # What no encoding has, such as half of a pair.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
