"""Which links are found in plain text, and where they end."""

from __future__ import annotations

import pytest

from chalicelib.domain.tracking.links_text import find_text_links

A = "https://a.example/"


def found(text: str, *, utf8: bool = True) -> list[str]:
    """The addresses of the links; a mark is shown as an empty one."""
    return [link.url for link in find_text_links(text.encode(), utf8=utf8)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/", A),
        ("See https://a.example/.", A),
        ("Really? https://a.example/?!... Yes", A),
        ("(https://a.example/)", A),
        ("(see https://a.example/).", A),
        ("https://a.example/x_(y)", A + "x_(y)"),
        ("(https://a.example/x_(y))", A + "x_(y)"),
        ("[https://a.example/][1]", A + "][1"),
        ("[text](https://a.example/)", A),
        ("[https://a.example/]", A),
        ("{https://a.example/}", A),
        ("**https://a.example/**", A),
        ("'https://a.example/'", A),
        ('"https://a.example/"', A),
        ("<https://a.example/>", A),
        ("<https://a.example/.>", A + "."),
        ("<URL:https://a.example/>", A),
        ("Link:https://a.example/", A),
        ("|https://a.example/ |", A),
        ("> https://a.example/\r\n> x", A),
        ("https://a.example/\thttps", A),
        ("HTTP://a.example", "HTTP://a.example"),
        ("https://a.example/a-b_c~d,e;f:g'h*i", A + "a-b_c~d,e;f:g'h*i"),
        ("caf\u00e9https://a.example/", A),
        ("\u00abhttps://a.example/\u00bb", A),
        ("\u201chttps://a.example/\u201d", A),
        ("https://a.example/\u00a0!", A),
        ("\u300chttps://a.example/\u300d\u3002", A),
        ("https://a.example/\u3002\u3042", A),
    ],
)
def test_these_are_links(text: str, expected: str) -> None:
    assert found(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "https://", "https:// a.example", "http:/a.example", "a.example", "www.a.example", "mailto:a@a.example",
        "xhttps://a.example/", "git+https://a.example/", "1https://a.example/", "mailto:a@b?body=https://a.example/",
        "/https://a.example/", "https://a.example/caf\u00e9", "https://a.example/\u3042", "https://a.example/\x01",
        "https://a.example/{{unsubscribe}}", "https://a.example/*|X|*", "https://a.example/%zz",
        "https://user@a.example/",
        "<https://a.example/\r\nb>", "<https://a.example/ b>", "https://a.example/x\\y",
        "https://a.example/" + "x" * 2_000,
        "https://a.example/" + "x" * 9_000, "https://...", "https://[::1", "https://a.example/x,\u00e9",
    ],
)  # fmt: skip
def test_these_are_none(text: str) -> None:
    assert found(text) == []


def test_in_other_character_sets_foreign_bytes_may_go_on() -> None:
    assert found("https://a.example/\u00a0!", utf8=False) == []


def test_every_occurrence_is_one() -> None:
    text = "https://a.example/ https://a.example/\r\nhttp://b.example/?u=https://c.example/"
    assert found(text) == [A, A, "http://b.example/?u=https://c.example/"]


def test_marks_are_told_apart() -> None:
    text = b"Use https+notrack://a.example/ or Http+NOTRACK://b.example/{{x}}."
    marks = list(find_text_links(text, utf8=True))
    assert [(text[mark.start : mark.end], mark.url) for mark in marks] == [
        (b"+notrack", ""),
        (b"+NOTRACK", ""),
    ]
