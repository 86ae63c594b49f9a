"""Lists as settings name them, what they are asked, and what of their answers is believed (RFC 5782)."""

from __future__ import annotations

import pytest

from chalicelib.domain.dns.block_lists import (
    BlockList,
    Standing,
    is_listed,
    read_block_lists,
    standing_of,
    suspending_lists,
    told_text,
)

LISTED, REFUSED, MADE_UP = ("127.0.0.2",), ("127.255.255.254",), ("203.0.113.9",)


def test_lists_of_addresses_and_of_names_are_told_apart() -> None:
    text = "Bl.test, narrow.test = 127.0.0.2;127.0.0.4,rhs:names.test=127.0.1.2"
    assert read_block_lists(text) == (
        BlockList("bl.test"),
        BlockList("narrow.test", ("127.0.0.2", "127.0.0.4")),
        BlockList("names.test", ("127.0.1.2",), of_names=True),
    )
    assert read_block_lists("") == ()


def test_addresses_are_asked_for_backwards_and_names_as_they_are() -> None:
    assert BlockList("bl.test").question("192.0.2.99") == "99.2.0.192.bl.test"
    nibbles = "2.0.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2"
    assert BlockList("bl.test").question("2001:db8::2") == f"{nibbles}.bl.test"
    assert (
        BlockList("bl.test", of_names=True).question("mail.acme.test") == "mail.acme.test.bl.test"
    )


def test_a_key_in_a_zone_is_not_shown() -> None:
    assert BlockList("abcdefghij0123456789abcdef.zen.dq.list.test").name == "zen.dq.list.test"
    assert BlockList("zen.list.test").name == "zen.list.test"


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ((), (), False),
        (None, (), None),
        (LISTED, (), True),
        (REFUSED, (), None),
        (MADE_UP, (), None),
        ((*REFUSED, "127.0.0.4"), (), True),
        (("127.0.0.4",), LISTED, False),
        (("127.0.0.4", *LISTED), LISTED, True),
        (("2001:db8::1",), (), None),
    ],
)
def test_only_a_firm_answer_says_something(
    found: tuple[str, ...] | None, wanted: tuple[str, ...], expected: bool | None
) -> None:
    assert is_listed(found, wanted) is expected


@pytest.mark.parametrize(
    ("listed", "unlisted", "expected"),
    [
        ([LISTED], [()], Standing.GOOD),
        ([None, LISTED], [(), ()], Standing.GOOD),
        ([(), LISTED], [()], Standing.GOOD),
        ([LISTED], [LISTED], Standing.LISTING_ALL),
        ([LISTED], [(), LISTED], Standing.LISTING_ALL),
        ([None], [LISTED, None], Standing.LISTING_ALL),
        ([()], [()], Standing.LISTING_NONE),
        ([MADE_UP], [MADE_UP], Standing.LISTING_NONE),
        ([REFUSED], [REFUSED], Standing.REFUSING),
        ([REFUSED], [None], Standing.REFUSING),
        ([None, ()], [()], Standing.SILENT),
        ([LISTED], [(), None], Standing.SILENT),
        ([None], [None], Standing.SILENT),
    ],
)
def test_a_list_is_believed_that_lists_what_it_must_and_nothing_else(
    listed: list[tuple[str, ...] | None],
    unlisted: list[tuple[str, ...] | None],
    expected: Standing,
) -> None:
    assert standing_of(listed, unlisted) is expected
    broken = expected in (Standing.LISTING_ALL, Standing.LISTING_NONE)
    assert expected.is_broken is broken


def test_all_lists_of_addresses_suspend_or_those_that_are_named() -> None:
    lists = read_block_lists("a.test,b.test,rhs:n.test")
    assert suspending_lists(lists, "") == suspending_lists(lists, "0") == frozenset()
    assert suspending_lists(lists, "1") == {"a.test", "b.test"}
    assert suspending_lists(lists, " B.test ") == {"b.test"}


def test_the_words_of_a_list_are_one_short_line_of_plain_text() -> None:
    assert told_text(["Listed,\r\nsee\thttps://list.test"]) == "Listed, see https://list.test"
    assert told_text(["\x1b[2J\u202eevil\x00"]) == "[2J evil"
    assert told_text([]) == ""
    huge = told_text(["x" * 60_000] * 1_000)
    assert len(huge) == 160
    assert huge.endswith("x…")
