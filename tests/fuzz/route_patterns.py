"""Fuzz target of the patterns of routes: one says what a regular expression of the same meaning says."""

from __future__ import annotations

import re

from chalicelib.domain.incoming.routing import MOST_READ, Described, chosen, matches, routes_for
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.routes import Condition, Route

SEEDS = (
    b"support-*\nsupport-42",
    b"*a*a*b\naaaab",
    "*straße\nSTRASSE".encode(),
    b"a*b\na\nb",
)
WORDS = (b"*", b"\n", b"**", b"a", b"A", b"+", b"-", b".", "ß".encode(), "İ".encode(), b"\xff")
LONGEST_CHECKED = 40  # what a backtracking expression can be asked


def fuzz_route_patterns(data: bytes) -> None:
    """A pattern, a line end, and the text."""
    pattern, _, text = data.decode("utf-8", "surrogateescape").partition("\n")
    fits = matches(pattern, text)
    assert matches("*", text)
    assert fits == matches(pattern.casefold(), text.casefold())
    if len(pattern) <= LONGEST_CHECKED and len(text) <= LONGEST_CHECKED:
        meant = ".*".join(map(re.escape, re.split(r"\*+", pattern.casefold())))
        assert fits == bool(re.fullmatch(meant, text.casefold(), re.DOTALL))
    conditions = (Condition("subject", pattern), Condition("header:X", pattern))
    asked = Route("r", ServerId(1), "u", 1, "*", "a.test", "t", 0, conditions=conditions)
    if len(text) <= MOST_READ:
        assert (chosen([asked], Described("", text, [("x", text)])) is not None) == fits
    named = Route("r", ServerId(1), "u", 1, pattern, "a.test", "t", 0)
    assert len(routes_for([named, asked], text)) >= 1
