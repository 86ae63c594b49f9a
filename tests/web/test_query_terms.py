"""Searches are split into chips and put together again."""

from __future__ import annotations

import pytest

from chalicelib.web.query_terms import has_key, quoted, terms_of, with_term, without


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("invoice", [("", "invoice", False)]),
        (
            "to:*@example.com status: held",
            [("to", "*@example.com", False), ("status", "held", False)],
        ),
        ('subject:"two words" -tag:x', [("subject", "two words", False), ("tag", "x", True)]),
        ('"never closed', [("", "never closed", False)]),
        ("meta.Order:7 STATUS:Held", [("meta.order", "7", False), ("status", "Held", False)]),
        ("tag:[blank]", [("tag", "[blank]", False)]),
    ],
)
def test_terms(query: str, terms: list[tuple[str, str, bool]]) -> None:
    assert [(one.key, one.value, one.is_not) for one in terms_of(query)] == terms


def test_a_term_is_taken_out_and_put_in_once() -> None:
    query = 'tag:"a b" status:held invoice'
    first = terms_of(query)[0]
    assert without(query, first) == "status:held invoice"
    assert with_term("invoice", "status:held") == "invoice status:held"
    assert with_term("status:held", "status:held") == "status:held"


def test_keys_are_seen() -> None:
    assert has_key("-spam:yes x", "spam")
    assert not has_key("spam", "spam")


def test_values_with_blanks_are_quoted() -> None:
    assert quoted("welcome") == "welcome"
    assert quoted('a "b" c') == '"a \\"b\\" c"'
    assert terms_of(f"tag:{quoted('a b')}")[0].value == "a b"


@pytest.mark.parametrize("query", ['"' * 1_000, "a:" * 500, "-" * 1_000, '\\"' * 500, "x " * 500])
def test_anything_is_split_into_few_terms(query: str) -> None:
    assert len(terms_of(query)) <= 20
