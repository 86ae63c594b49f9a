"""Hostile HTML of mail: its links are told as they are, and reading it takes time linear in its length."""

from __future__ import annotations

import pytest

from chalicelib.web.mail_html import LARGEST, MOST_LINKS, links_of, unconnected, with_images
from tests.growth import assert_linear

PNG = ("image/png", b"\x89PNG")


def told(source: str) -> list[tuple[str, str, bool]]:
    return [(one.text, one.target, one.is_mismatch) for one in links_of(source)]


@pytest.mark.parametrize(
    ("source", "links"),
    [
        (
            '<a href="https://acme.example/x">Track <b>it</b></a>',
            [("Track it", "https://acme.example/x", False)],
        ),
        ("<A HREF=https://a.example/>x</A>", [("x", "https://a.example/", False)]),
        (
            "<a href='https://evil.example/'>www.bank.example</a>",
            [("www.bank.example", "https://evil.example/", True)],
        ),
        (
            '<a href="https://www.bank.example/">bank.example</a>',
            [("bank.example", "https://www.bank.example/", False)],
        ),
        ('<a title=">" href="https://a.example/">x</a>', [("x", "https://a.example/", False)]),
        ('<a href="java\nscript:alert(1)">x</a>', [("x", "javascript:alert(1)", False)]),
        ('<a href="https&#58;//a.example/">x</a>', [("x", "https://a.example/", False)]),
        (
            '<a href="https://a.example/">x<a href="https://b.example/">y',
            [("x", "https://a.example/", False), ("y", "https://b.example/", False)],
        ),
        ('<map><area href="https://a.example/"></map>', [("", "https://a.example/", False)]),
        ('<a name="x">no link</a><abbr href="https://no.example/">', []),
        (
            '<a href="https://[broken">bank.example</a>',
            [("bank.example", "https://[broken", False)],
        ),
        (
            '<a data-href="https://no.example/" href="https://a.example/">x</a>',
            [("x", "https://a.example/", False)],
        ),
    ],
)
def test_links(source: str, links: list[tuple[str, str, bool]]) -> None:
    assert told(source) == links


def test_at_most_so_many() -> None:
    assert len(links_of('<a href="https://a.example/">x</a>' * 1_000)) == MOST_LINKS


HOSTILE = (
    "<a href=",
    '<a "',
    "<a '",
    "<",
    "<a " + "x" * 20,
    "a" * 20,
    " ",
    "cid:",
    '"cid:x',
    "&",
    "<a href=x>",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_reading_is_linear(piece: str) -> None:
    def read(length: int) -> None:
        source = piece * (length // len(piece))
        links_of(source)
        with_images(source, lambda _: PNG)

    assert_linear(read, LARGEST // 4, LARGEST)


def test_pictures_that_came_along_stand_in_place_of_their_names() -> None:
    source = '<img src="cid:a@b"><p style="background: url(cid:a%40b)">cid:a@b</p>'
    placed = with_images(source, lambda name: PNG if name == "a@b" else None)
    assert placed.count("data:image/png;base64,iVBORw==") == 2
    assert placed.endswith("cid:a@b</p>")


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/javascript"])
def test_what_is_no_picture_stays_out(kind: str) -> None:
    source = '<img src="cid:a">'
    assert with_images(source, lambda _: (kind, b"<script>")) == source


def test_many_copies_of_a_large_picture_do_not_make_a_larger_page() -> None:
    source = '<img src="cid:a">' * 1_000
    placed = with_images(source, lambda _: ("image/png", bytes(1_000_000)))
    assert len(placed) < 4_000_000


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<iframe src=//a.example>", "<x-iframe src=//a.example>"),
        ("<IFRAME/src=//a.example>", "<x-IFRAME/src=//a.example>"),
        ("<frameset><frame src=x>", "<x-frameset><x-frame src=x>"),
        ("<p><svg><foreignObject><iFrame>", "<p><svg><foreignObject><x-iFrame>"),
        ('<iframe srcdoc="<iframe src=x>">', '<x-iframe srcdoc="<x-iframe src=x>">'),
        ("<link rel=preconnect href=x>", "<x-link rel=preconnect href=x>"),
        ("<object data=x><embed src=x>", "<x-object data=x><x-embed src=x>"),
        ("<p>a < b, a link</p>", "<p>a < b, a link</p>"),
    ],
)
def test_elements_that_connect_before_they_are_refused_are_none(source: str, shown: str) -> None:
    assert unconnected(source) == shown
    assert with_images(source, lambda _: None) == shown
