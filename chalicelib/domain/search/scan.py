"""Parting a search into its terms, as they were typed: `-key:value`, `key: "a value"`, `word`. Nothing is looked up
here. Linear: every character is looked at once or twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.errors import QuerySyntax

_BLANKS = re.compile(r"\s*")
_KEY = re.compile(r"[^\W\d_][\w.-]*:")
_QUOTED = re.compile(r'"((?:[^"\\]|\\"|\\(?!"))*)"')
_UNQUOTED = re.compile(r"\S+")
# A moment as Postal lets it be typed, with a blank and without quotes.
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\s[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?!\S)")
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Term:
    """One of them: `key` is empty for a bare one, `value` without its quotes, None where there is none."""

    text: str
    key: str
    value: str | None
    is_quoted: bool = False
    is_negated: bool = False

    @property
    def shown(self) -> str:
        """As it is named to people."""
        return self.text if len(self.text) <= _LONGEST_SHOWN else self.text[:_LONGEST_SHOWN] + "…"


def terms_in(text: str) -> Iterator[Term]:
    """The terms of a search; QuerySyntax for a quote that is not closed or is followed by something."""
    at = _end(_BLANKS, text, 0)
    while at < len(text):
        term, at = _term_at(text, at)
        yield term
        at = _end(_BLANKS, text, at)


def _term_at(text: str, start: int) -> tuple[Term, int]:
    is_negated = text[start] == "-"
    at = start + is_negated
    named = _KEY.match(text, at)
    key = named[0][:-1] if named else ""
    if named:
        at = _end(_BLANKS, text, named.end())
    value, is_quoted, end = _value_at(text, at, start, bool(named))
    if named and not is_quoted and at > named.end() and _begins_term(text, at):
        value, end = None, named.end()
    return Term(text[start:end], key, value, is_quoted, is_negated), end


def _value_at(text: str, at: int, start: int, is_named: bool) -> tuple[str | None, bool, int]:
    """The value that begins there, whether it is in quotes, and where it ends."""
    if text[at : at + 1] != '"':
        moment = _MOMENT.match(text, at) if is_named else None
        found = moment or _UNQUOTED.match(text, at)
        return (found[0], False, found.end()) if found else (None, False, at)
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise QuerySyntax(Term(text[start:], "", None).shown, "the quote is never closed")
    end = quoted.end()
    if end < len(text) and not text[end].isspace():
        whole = Term(text[start : _end(_UNQUOTED, text, end)], "", None)
        raise QuerySyntax(whole.shown, "a blank must follow the closing quote")
    return quoted[1].replace('\\"', '"'), True, end


def _begins_term(text: str, at: int) -> bool:
    """Whether a term with a key begins there, so that the key in front of the blank has no value."""
    return _KEY.match(text, at + (text[at : at + 1] == "-")) is not None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
