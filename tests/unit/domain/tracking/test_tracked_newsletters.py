"""Newsletters and receipts as people send them: what other parsers read in them changes in links only."""

from __future__ import annotations

import pytest

from tests.tracked_mail import PIXEL, SITE, TRACK, events, samples, texts, track

SAMPLES = samples()
UTF8 = ("outlook conditional comments", "base64 throughout", "images inside and files beside")


@pytest.mark.parametrize("name", SAMPLES)
def test_html_changes_in_links_only(name: str) -> None:
    content = SAMPLES[name]
    made = track(content)
    assert made.links
    images = 0
    for (kind, before), (kind_after, after) in zip(
        texts(content), texts(made.content), strict=True
    ):
        assert kind == kind_after
        if kind != "text/html":
            continue
        # Latin-1 stands for every character set here: its characters are the bytes.
        was, now = events(before.decode("latin-1")), events(after.decode("latin-1"), made.links)
        assert now.found == was.found
        images += now.images
        for link in now.links:
            assert link.startswith(SITE) or not link.isascii() or "{" in link
    assert images == (name != "plain text alone")


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_no_body_stays_byte_for_byte(name: str) -> None:
    content = SAMPLES[name]
    made = track(content)
    head, tracked_head = (each.partition(b"\r\n\r\n")[0] for each in (content, made.content))
    assert head == tracked_head
    for (kind, before), (_, after) in zip(texts(content), texts(made.content), strict=True):
        if kind not in ("text/html", "text/plain") or b"file.example" in before:
            assert before == after


@pytest.mark.parametrize("name", SAMPLES)
def test_tracking_twice_replaces_nothing_twice(name: str) -> None:
    made = track(SAMPLES[name])
    again = track(made.content)
    assert again.content == made.content
    assert again.links == ()


@pytest.mark.parametrize("name", SAMPLES)
def test_lines_keep_their_limits(name: str) -> None:
    before = max(len(line) for line in SAMPLES[name].split(b"\r\n"))
    content = track(SAMPLES[name]).content
    after = max(len(line) for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    # Quoted-printable of Python's email package has lines of up to 78.
    assert after <= (max(before, 76) if "quoted" in name or "folded" in name else 998)


@pytest.mark.parametrize("name", UTF8)
def test_links_are_numbered_where_they_stand(name: str) -> None:
    assert track(SAMPLES[name]).links == (
        "https://shop.example.com/o/1#track",
        "https://shop.example.com/help_(shop)",
        "https://shop.example.com/a,b",
        "https://shop.example.com/buy?a=1&b=2&c=3",
        "HTTPS://Shop.Example.COM/Upper",
    )


def test_links_over_soft_line_breaks_are_whole() -> None:
    made = track(SAMPLES["links folded by soft line breaks"])
    assert made.links == (
        "https://shop.example.com/a/very/long/path/that/needs/more/than/one/line?q=1&u=2",
        "https://shop.example.com/a/very/long/path?a=1&b=2&c=3",
        "http://b.example/",
    )
    plain, html = (text for _, text in texts(made.content))
    assert plain.startswith(b"Click " + f"{SITE}/abcdef/{1:022d}".encode() + b" or leave it. Bye")
    assert PIXEL.encode() in html
    for beside in (b"https://pre.example/", b"https://epi.example/"):
        assert beside in made.content


def test_a_link_in_a_character_set_of_two_bytes_ends_where_its_quote_does() -> None:
    assert track(SAMPLES["one part in Shift JIS"]).links == ("https://c.example/",)


def test_text_and_punctuation_stay() -> None:
    made = track(SAMPLES["plain text alone"], TRACK)
    text = made.content.decode()
    for number, url in enumerate(made.links, 1):
        text = text.replace(f"{SITE}/abcdef/{number:022d}", url)
    assert text.encode() == SAMPLES["plain text alone"]
