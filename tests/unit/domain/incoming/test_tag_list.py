"""Tag lists: folds and runs of spaces in values, characters that do not print, a signature's own field without it."""

from __future__ import annotations

import pytest

from chalicelib.domain.incoming.tag_list import read_tags, without_signature


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("one two", "one two"),
        ("one  two", "one two"),
        ("one\ttwo", "one two"),
        ("one\r\n\t two ", "one two"),
        ("fünf\u00a0sechs\u2028sieben", "fünf\u00a0sechs\u2028sieben"),
        ("\u00a0fünf  sechs", "\u00a0fünf sechs"),
    ],
)
def test_folds_and_runs_are_one_space(value: str, read: str) -> None:
    assert read_tags(f"v=1; n={value}; s=x") == {"v": "1", "n": read, "s": "x"}


@pytest.mark.parametrize("character", ["\0", "\v", "\f", "\x1f", "\x7f"])
def test_a_value_with_a_control_character_makes_it_no_list(character: str) -> None:
    assert read_tags(f"v=1; n=a{character}b") is None


@pytest.mark.parametrize(
    ("value", "without"),
    [
        (b" v=1; bh=x; b=abc\r\n\tdef; d=e", b" v=1; bh=x; b=; d=e"),
        (b"b = abc", b"b ="),
        (b" v=1; b=\\1; b=two", b" v=1; b=; b=two"),
        (b" v=1; bh=x", b" v=1; bh=x"),
    ],
)
def test_a_field_without_its_signature(value: bytes, without: bytes) -> None:
    assert without_signature(value) == without
