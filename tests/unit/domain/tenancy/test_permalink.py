"""Permalinks come from names, stay in their alphabet, and never run out."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.tenancy.permalink import (
    LONGEST,
    ORGANIZATION_RESERVED,
    SERVER_RESERVED,
    candidates,
    is_permalink,
    permalink_of,
    server_token,
)


@pytest.mark.parametrize(
    ("name", "permalink"),
    [
        ("Acme", "acme"),
        ("Acme & Söhne GmbH", "acme-sohne-gmbh"),
        ("  --Hello,  World!--  ", "hello-world"),
        ("ACME_2", "acme-2"),
        ("ﬁne", "fine"),
        ("東京", ""),
        ("x" * 80, "x" * 50),
        ("x" * 49 + " y", "x" * 49),
    ],
)
def test_names_suggest_permalinks(name: str, permalink: str) -> None:
    assert permalink_of(name) == permalink


@given(st.text())
def test_a_suggestion_is_a_permalink_or_nothing(name: str) -> None:
    suggestion = permalink_of(name)
    assert suggestion == "" or is_permalink(suggestion, frozenset())
    assert permalink_of(suggestion) == suggestion


@given(st.text(min_size=1).map(permalink_of).filter(bool))
def test_candidates_are_permalinks_and_all_different(base: str) -> None:
    found = list(islice(candidates(base, ORGANIZATION_RESERVED), 120))
    assert len(set(found)) == 120
    assert all(is_permalink(each, ORGANIZATION_RESERVED) for each in found)


def test_a_reserved_word_is_only_used_with_a_number() -> None:
    assert list(islice(candidates("new", SERVER_RESERVED), 2)) == ["new-2", "new-3"]
    assert not is_permalink("new", SERVER_RESERVED)


def test_long_names_make_room_for_the_number() -> None:
    found = list(islice(candidates("x" * LONGEST, frozenset()), 12))
    assert all(len(each) == LONGEST for each in found)
    assert found[11].endswith("-12")


def test_server_tokens_are_six_letters_and_differ() -> None:
    tokens = {server_token(number) for number in range(20_000)}
    assert len(tokens) == 20_000
    assert all(len(each) == 6 and each.isascii() and each.islower() for each in tokens)


@given(st.integers(0, 26**6 - 1), st.integers(0, 26**6 - 1))
def test_no_two_numbers_share_a_token(one: int, other: int) -> None:
    assert (server_token(one) == server_token(other)) == (one == other)
