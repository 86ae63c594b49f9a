"""Addresses: found wherever some mail program might find them, and checked strictly for the envelope."""

from __future__ import annotations

import pytest

from chalicelib.domain.address import addresses_in, bare_address, domain_of, is_mailbox, split_list


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@example.com", "a@example.com"),
        ("Name <A@Example.com>", "A@Example.com"),
        ("Name <a@example.com> trailing", "a@example.com"),
        ("a@example.com (comment)", "a@example.com"),
        ("(one (two)) a@example.com", "a@example.com"),
        ("a@example.com (unclosed", "a@example.com (unclosed"),
        ("<x@evil.example> <a@example.com>", "a@example.com"),
        ("", ""),
        ("<>", ""),
    ],
)
def test_bare_address(text: str, address: str) -> None:
    assert bare_address(text) == address


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
    ],
)
def test_what_cannot_be_told_belongs_to_no_known_domain(value: str) -> None:
    assert {domain_of(address) for address in addresses_in(value)}.isdisjoint(
        {"good.example", "evil.example"}
    )


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


@pytest.mark.parametrize(
    ("text", "ascii_only", "with_utf8"),
    [
        ("a@example.com", True, True),
        ("first.last+tag@sub.example.com", True, True),
        ("!#$%&'*+-/=?^_`{|}~@example.com", True, True),
        ('"quoted \\" local"@example.com', True, True),
        ('"a@b"@example.com', True, True),
        ("a@localhost", True, True),
        ("a@[192.0.2.1]", True, True),
        ("a@[IPv6:2001:db8::1]", True, True),
        ("x" * 64 + "@example.com", True, True),
        ("zoë@example.com", False, True),
        ("a@bücher.example", False, True),
        ("a@उदाहरण.परीक्षा", False, True),
        ("x" * 65 + "@example.com", False, False),
        ("é" * 33 + "@example.com", False, False),
        ("a@" + ".".join(["x" * 63] * 4), False, False),
        ("a@" + "x" * 64 + ".example", False, False),
        ("", False, False),
        ("@example.com", False, False),
        ("a@", False, False),
        ("a", False, False),
        ("a@b@example.com", False, False),
        (".a@example.com", False, False),
        ("a..b@example.com", False, False),
        ("a@-example.com", False, False),
        ("a@example-.com", False, False),
        ("a@example..com", False, False),
        ("a@example.com.", False, False),
        ("a b@example.com", False, False),
        ("<a@example.com>", False, False),
        ("a@example.com\n", False, False),
        ("a@example.com\r\nRCPT TO:<b@example.com>", False, False),
        ("a\x00@example.com", False, False),
        ('"a\r\n"@example.com', False, False),
        ("a\u2028@example.com", False, False),
        ("a\u0085@example.com", False, False),
        ("a@example\u3002com", False, False),
        ("a\ud800@example.com", False, False),
        ("a@[192.0.2.1", False, False),
        ('"a<b"@example.com', False, False),
        ('"a\\>b"@example.com', False, False),
        ('"@b c!"@example.com', True, True),
        ("a@exa_mple.com", False, False),
    ],
)
def test_is_mailbox(text: str, ascii_only: bool, with_utf8: bool) -> None:
    assert (is_mailbox(text, smtputf8=False), is_mailbox(text, smtputf8=True)) == (
        ascii_only,
        with_utf8,
    )


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@Example.COM", "example.com"),
        ('"a@b"@Example.com', "example.com"),
        ("a@b@c", "b@c"),
        ("nothing", ""),
        ("", ""),
        ("a@BÜCHER.example", "bücher.example"),
    ],
)
def test_domain_of(address: str, domain: str) -> None:
    assert domain_of(address) == domain
