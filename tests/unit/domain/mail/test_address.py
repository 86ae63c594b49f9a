"""Addresses: found wherever some mail program might find them, and read from a text only when it means one."""

from __future__ import annotations

import pytest

from chalicelib.domain.mail.address import addresses_in, split_list, split_mailbox
from chalicelib.domain.mail.mailbox import domain_of


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("a@example.com", "", "a@example.com"),
        ("Name <A@Example.com>", "Name", "A@Example.com"),
        ("Name <a@example.com> trailing", "Name", "a@example.com"),
        ('"Doe, \\"J\\"" <a@example.com>', 'Doe, "J"', "a@example.com"),
        ("Doe, John <a@example.com>", "Doe, John", "a@example.com"),
        ("Bob :) <a@example.com>", "Bob :)", "a@example.com"),
        ("Sales @ Acme <a@example.com>", "Sales @ Acme", "a@example.com"),
        ('"x@other.example" <a@example.com>', "x@other.example", "a@example.com"),
        ("a@Example.com <a@example.com>", "a@Example.com", "a@example.com"),
        ("a@straße.test <a@xn--strae-oqa.test>", "a@straße.test", "a@xn--strae-oqa.test"),
        ("<<a@example.com>>", "", "a@example.com"),
        ("Name <<a@example.com>>", "Name", "a@example.com"),
        ("a@example.com (comment)", "", "a@example.com"),
        ("(one (two)) a@example.com", "", "a@example.com"),
        ("Name (of x@other.example) <a@example.com>", "Name (of x@other.example)", "a@example.com"),
        ("a(comment)@example.com", "", "a@example.com"),
        ("a@(comment)example.com", "", "a@example.com"),
        ("a@example.com(x)other.example", "", "a@example.com other.example"),
        ("a@example(x).com", "", "a@example .com"),
        ("a(x)b@example.com", "", "a b@example.com"),
        ('"<x@other.example> (y)"@example.com', "", '"<x@other.example> (y)"@example.com'),
        ("a@b@example.com", "", "a@b@example.com"),
        ("a@example.com, b@other.example", "", "a@example.com, b@other.example"),
        ("", "", ""),
        ("Name <>", "Name", ""),
    ],
)
def test_a_text_that_means_one_address(text: str, name: str, address: str) -> None:
    assert split_mailbox(text) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "x@other.example <a@example.com>",
        "A@example.com <a@example.com>",
        "a@strasse.test <a@straße.test>",
        "x @ other.example <a@example.com>",
        "Bob @other.example <a@example.com>",
        "x(comment)@other.example <a@example.com>",
        '"x"@other.example <a@example.com>',
        "<x@other.example> <a@example.com>",
        "<x@other.example>, <a@example.com>",
        "<a@example.com> x@other.example",
        "<a@example.com>, x@other.example",
        "x@other.example, Name <a@example.com>",
        "x@other.example <>",
        "<a@example.com",
        "a@example.com (unclosed",
        '"unclosed <a@example.com>',
    ],
)
def test_a_text_that_could_mean_another_address_means_none(text: str) -> None:
    assert split_mailbox(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x@other.example <a@example.com>", "x@other.example"),
        ("<x@other.example>, <a@example.com>", "<x@other.example>,"),
    ],
)
def test_an_author_may_have_any_name(text: str, name: str) -> None:
    assert split_mailbox(text, any_name=True) == (name, "a@example.com")


@pytest.mark.parametrize("text", ["<a@example.com> x@other.example", "<a@example.com", '"<a@b.c>'])
def test_an_author_is_one_all_the_same(text: str) -> None:
    assert split_mailbox(text, any_name=True) is None


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@x.example", ["a@x.example"]),
        ("A <a@x.example>, b@y.example", ["a@x.example", "b@y.example"]),
        ('"Doe, J. <x@evil.example>" <a@x.example>', ["a@x.example"]),
        (
            "Team: a@x.example, B <b@y.example>;, c@z.example",
            ["a@x.example", "b@y.example", "c@z.example"],
        ),
        ("Undisclosed recipients:;", []),
        ("a@x.example (x@evil.example)", ["a@x.example"]),
        ("(a (nested\\)) b) a@x.example", ["a@x.example"]),
        ('"a b"@x.example', ['"a b"@x.example']),
        ("<@relay.example,@b.example:a@x.example>", ["a@x.example"]),
        ("a@[192.0.2.1], b@[IPv6:2001:db8::1]", ["a@[192.0.2.1]", "b@[IPv6:2001:db8::1]"]),
        ("Zoë <zoë@bücher.example>", ["zoë@bücher.example"]),
        ("a(comment)@x.example", ["a@x.example"]),
        ("a@(comment)x.example (comment)", ["a@x.example"]),
        ("A <(comment)a@x.example>", ["a@x.example"]),
        ("", []),
        (",,;", []),
    ],
)
def test_authors_of_ordinary_fields(value: str, addresses: list[str]) -> None:
    assert list(addresses_in(value)) == addresses


@pytest.mark.parametrize(
    "value",
    [
        "x@evil.example, a@good.example",
        "x@evil.example a@good.example",
        "x@evil.example <>, a@good.example",
        "x@evil.example <, a@good.example",
        "<x@evil.example> <a@good.example>",
        "<a@good.example> x@evil.example",
        "<a@good.example <x@evil.example>",
        "<x@evil.example <a@good.example>",
        "x@evil.example: a@good.example;",
        '("a) x@evil.example, ("b) a@good.example',
        "([) x@evil.example, (]) a@good.example",
        "[x@evil.example, a@good.example",
        "(x@evil.example, a@good.example",
        "a@good.example\\, x@evil.example",
        "x@evil.example> , a@good.example",
        "<x@evil.example,a@good.example>",
        "x@evil.example; a@good.example",
    ],
)
def test_no_second_author_hides(value: str) -> None:
    assert any("evil.example" in address for address in addresses_in(value))


@pytest.mark.parametrize(
    "value",
    [
        "a@good.example@evil.example",
        "<x@evil.example:a@good.example>",
        '"x@evil.example <a@good.example>',
        "a@good.example(x)evil.example",
        "A <a@good.example(x)evil.example>",
        "a@good(x).example",
        "a@good.(x)example",
        "a@good(x)evil.example",
        "a@good.example(evil.example",
        "a@good.example\0evil.example",
    ],
)
def test_what_cannot_be_told_belongs_to_no_known_domain(value: str) -> None:
    assert {domain_of(address) for address in addresses_in(value)} == {""}


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a@x.example, b@y.example", ["a@x.example", "b@y.example"]),
        ('"Doe, J" <a@x.example>,b@y.example', ['"Doe, J" <a@x.example>', "b@y.example"]),
        ("A (x, y) <a@x.example>, b", ["A (x, y) <a@x.example>", "b"]),
        ("A <a,b@x.example>, c", ["A <a,b@x.example>", "c"]),
        ('"unclosed, a', ['"unclosed, a']),
        (" , ,", []),
        ("", []),
    ],
)
def test_split_list(text: str, entries: list[str]) -> None:
    assert list(split_list(text)) == entries
