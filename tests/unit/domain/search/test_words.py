"""Where the words of a subject end, and which texts are the same to a search."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.search.words import (
    MOST_READ,
    MOST_WORDS,
    fold,
    stand_side_by_side,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Welcome, Bob!", "welcome bob"),
        ("O'Brien's re:start", "o brien s re start"),
        ("order_17 is 3.5 kg", "order 17 is 3 5 kg"),
        ("Résumé", "résumé"),
        ("Re\u0301sume\u0301", "résumé"),
        ("STRASSE straße", "strasse strasse"),
        ("ﬁne Ⅷ \uff46\uff55\uff4c\uff4c", "fine viii full"),
        ("Ёлка ΑΒΓς", "ёлка αβγσ"),
        ("İstanbul ISPARTA", "i\u0307stanbul isparta"),
        ("漢字 かな カナ ｶﾅ", "漢 字 か な カ ナ カ ナ"),
        ("iPhone漢15字x", "iphone 漢 15 字 x"),
        ("สวัสดี", "ส ว ั ส ด ี"),
        ("ພາສາ ខ្មែរ မြန်မာ", "ພ າ ສ າ ខ ្ ម ែ រ မ ြ န ် မ ာ"),
        ("𠀀𰀀", "𠀀 𰀀"),
        ("안녕 세계", "안녕 세계"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("a🎉b — \u2018c\u2019 €", "a b c"),
        ("zero\u200bwidth joiner\u200dhere", "zero width joiner here"),
        ("\ud800x", "x"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_words_end_where_no_letter_mark_or_digit_is(text: str, words: str) -> None:
    assert words_of(text) == tuple(words.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Å", "Å"), ("㎏", "KG"), ("Ǆ", "ǆ")],
)
def test_texts_that_mean_the_same_are_folded_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert fold(fold(one)) == fold(one)


def test_diacritics_count() -> None:
    assert fold("resume") != fold("résumé")


@pytest.mark.parametrize(
    ("wanted", "is_prefix", "stands"),
    [
        (("b",), False, True),
        (("a", "b"), False, True),
        (("a", "bc"), False, False),
        (("bcd",), False, True),
        (("bc",), False, False),
        (("bc",), True, True),
        (("b", "bc"), True, True),
        (("a", "bcd"), False, False),
        (("bcd", "a"), False, False),
        (("c",), True, False),
    ],
)
def test_words_stand_side_by_side(wanted: tuple[str, ...], is_prefix: bool, stands: bool) -> None:
    assert stand_side_by_side(wanted, ("a", "b", "bcd"), is_prefix) is stands


@pytest.mark.parametrize(
    "text",
    ["a " * 100_000, "漢" * 100_000, "\u0301\u0323" * 50_000, "ﷺ" * 100_000, "x" * 1_000_000],
    ids=["words", "signs", "marks", "long forms", "one word"],
)
def test_a_hostile_text_is_read_in_part_and_soon(text: str) -> None:
    before = time.process_time()
    words = words_of(text)
    assert len(words) <= MOST_WORDS
    assert sum(map(len, words)) <= 18 * MOST_READ  # no sign has a longer form
    assert time.process_time() - before < 2
