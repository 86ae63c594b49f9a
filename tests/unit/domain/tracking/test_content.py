"""Which parts, links and messages are changed, where the image goes, and what each choice switches (contract 7)."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from chalicelib.domain.tracking.content import MOST_URL_OCTETS
from chalicelib.domain.tracking.token import MOST_LINKS
from tests.tracked_mail import (
    CLICKS_ONLY,
    HEAD,
    PIXEL,
    SITE,
    TRACK,
    address,
    body_of,
    html_mail,
    text_mail,
    texts,
    track,
)

LINK = "<p><a href='https://a.example/'>a</a></p>"
TEXT = "See https://a.example/ now\r\n"


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    """An entity that holds these entities."""
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: {kind}; boundary={boundary}\r\n\r\n{inside}--{boundary}--"


def entity(content_type: str, body: str, fields: str = "") -> str:
    """A leaf."""
    return f"Content-Type: {content_type}\r\n{fields}\r\n{body}"


def message(entity: str) -> bytes:
    """A message that is this entity."""
    return HEAD + entity.encode() + b"\r\n"


PLAIN, HTML = entity("text/plain", TEXT), entity("text/html", LINK)
BOTH = multipart("multipart/alternative", PLAIN, HTML, boundary="c")
WITH_IMAGES = multipart("multipart/related", HTML, entity("image/png", "x"), boundary="d")
BOTH_WITH_IMAGES = multipart("multipart/alternative", PLAIN, WITH_IMAGES, boundary="c")


@pytest.mark.parametrize(
    ("content", "links"),
    [
        (message(PLAIN), 1),
        (message(HTML), 1),
        (HEAD + b"\r\n" + TEXT.encode(), 1),
        (message(multipart("multipart/alternative", PLAIN, HTML)), 2),
        (message(multipart("multipart/mixed", PLAIN, HTML)), 2),
        (message(multipart("multipart/related", HTML, PLAIN)), 2),
        (message(multipart("multipart/mixed", BOTH, PLAIN)), 3),
        (message(multipart("multipart/mixed", BOTH_WITH_IMAGES)), 2),
        (message(multipart("multipart/alternative", PLAIN, multipart("multipart/mixed", HTML, boundary="c"))), 1),
        (message(multipart("multipart/mixed", multipart("multipart/mixed", HTML, boundary="c"))), 0),
        (message(multipart("multipart/signed", HTML, entity("application/pgp-signature", "x"))), 0),
        (message(multipart("multipart/mixed", multipart("multipart/signed", HTML, boundary="c"))), 0),
        (message(multipart("multipart/signed", multipart("multipart/alternative", PLAIN, boundary="c"))), 0),
        (message(multipart("multipart/encrypted", PLAIN)), 0),
        (message(multipart("multipart/report", PLAIN)), 0),
        (message(multipart("multipart/digest", PLAIN)), 0),
        (message(multipart("multipart/mixed", entity("message/rfc822", HTML))), 0),
        (message(entity("application/pkcs7-mime; smime-type=signed-data", LINK)), 0),
        (message(entity("text/x-amp-html", LINK)), 0),
        (message(entity("text/calendar", TEXT)), 0),
        (message(multipart("multipart/mixed", entity("text/html", LINK, "Content-Disposition: attachment\r\n"))), 0),
        (message(entity("text/plain", TEXT, "Content-Disposition: ATTACHMENT; filename=a.txt\r\n")), 0),
        (message(entity("text/plain; name=a.txt", TEXT)), 0),
        (message(entity("text/plain", TEXT, "Content-Disposition: inline\r\n")), 1),
        (message(entity("text/plain; format=flowed", TEXT)), 1),
        (message(entity("text/plain; format=flowed; delsp=yes", TEXT)), 0),
        (message(entity("text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\r\n" + TEXT)), 0),
        (message(entity("text/plain", "\x1b$B8=:_\x1b(B " + TEXT)), 0),
        (message(entity("text/plain", TEXT, "Content-Transfer-Encoding: x-uuencode\r\n")), 0),
        (message(entity("text/plain", TEXT, "Content-Transfer-Encoding: Binary\r\n")), 1),
        (message(entity("text/plain", "*not base64*", "Content-Transfer-Encoding: base64\r\n")), 0),
    ],
)  # fmt: skip
def test_which_parts(content: bytes, links: int) -> None:
    made = track(content, CLICKS_ONLY)
    assert len(made.links) == links
    assert made.content.count(SITE.encode()) == links
    if not links:
        assert made.content is content


@pytest.mark.parametrize(
    ("charset", "treated"),
    [
        ("", True), ("us-ascii", True), ("UTF-8", True), ("iso-8859-15", True), ("windows-1252", True), ("koi8-r",
        True),
        ("gb18030", True), ("Big5", True), ("EUC-KR", True), ("ks_c_5601-1987", True), ("cp850", True), ("x-sjis",
        True),
        ("utf-16", False), ("utf-16le", False), ("utf-7", False), ("utf-32", False), ("iso-2022-jp", False),
        ("hz-gb-2312", False), ("cp037", False), ("cp500", False), ("ebcdic-us", False), ("x-unknown", False),
    ],
)  # fmt: skip
def test_which_character_sets(charset: str, treated: bool) -> None:
    assert bool(track(html_mail(LINK.encode(), charset)).links) is treated


def test_urls_in_utf_16_stay() -> None:
    raw = LINK.encode("utf-16")
    content = html_mail(base64.b64encode(raw) + b"\r\n", "utf-16", "base64")
    assert track(content).content is content


@pytest.mark.parametrize(
    ("choices", "clicks", "opens"),
    [
        (TRACK, True, True),
        (replace(TRACK, track_clicks=False), False, True),
        (replace(TRACK, track_loads=False), True, False),
        (replace(TRACK, track_clicks=False, track_loads=False), False, False),
    ],
)
def test_choices_of_the_track_domain(choices: object, clicks: bool, opens: bool) -> None:
    made = track(html_mail(LINK.encode()), choices)  # type: ignore[arg-type]  # parametrised
    assert (address(1).encode() in made.content) is clicks
    assert bool(made.links) is clicks
    assert (PIXEL.encode() in made.content) is opens


@pytest.mark.parametrize(
    ("field", "clicks", "opens"),
    [
        (b"X-Posthorn-Track: no", False, False),
        (b"x-posthorn-track:\r\n OFF ", False, False),
        (b"X-Posthorn-Track: opens", False, True),
        (b"X-Posthorn-Track: clicks", True, False),
        (b"X-Posthorn-Track: opens, clicks", True, True),
        (b"X-Posthorn-Track: yes", True, True),
        (b"X-Posthorn-Track: opens, no", False, False),
        (b"X-AMP: skip", False, False),
        (b"X-AMP: no", True, True),
    ],
)
def test_a_message_can_switch_off(field: bytes, clicks: bool, opens: bool) -> None:
    content = field + b"\r\n" + html_mail(LINK.encode())
    made = track(content)
    assert (address(1).encode() in made.content) is clicks
    assert (PIXEL.encode() in made.content) is opens
    assert made.content.startswith(field)


def test_a_message_cannot_switch_on() -> None:
    content = b"X-Posthorn-Track: opens, clicks\r\n" + html_mail(LINK.encode())
    assert track(content, replace(TRACK, track_clicks=False, track_loads=False)).content is content


def test_marks_vanish_only_while_clicks_are_tracked() -> None:
    body = b"<a href='https+notrack://a.example/'>a</a> <a href='https://b.example/'>b</a>\r\n"
    made = track(html_mail(body), CLICKS_ONLY)
    assert made.links == ("https://b.example/",)
    assert b"'https://a.example/'" in made.content
    content = html_mail(body)
    assert b"+notrack" in track(content, replace(TRACK, track_clicks=False)).content
    off = track(b"X-Posthorn-Track: no\r\n" + content)
    assert off.links == ()
    assert body_of(off.content) == body.replace(b"+notrack", b"")


def test_excluded_hosts_keep_their_numbers() -> None:
    body = b"https://a.example/ https://B.example:81/ https://b.example/ https://click.acme.test/x https://d.example/\r\n"
    choices = replace(TRACK, excluded_click_domains=("a.example", "b.example:81"))
    made = track(text_mail(body), choices)
    assert len(made.links) == 5
    assert made.links[3] == "https://click.acme.test/x"
    assert body_of(made.content).split() == [
        b"https://a.example/",
        b"https://B.example:81/",
        address(3).encode(),
        b"https://click.acme.test/x",
        address(5).encode(),
    ]
    everything = replace(TRACK, excluded_click_domains=("a.example",))
    assert track(text_mail(b"https://a.example/\r\n"), everything).links == ()


def test_excluded_hosts_are_compared_as_hosts() -> None:
    body = (
        b"https://ex.example./ https://EX.example:443/ https://a.b.example/ https://b.example/\r\n"
    )
    choices = replace(TRACK, excluded_click_domains=("ex.example", "*.b.example"))
    made = body_of(track(text_mail(body), choices).content).split()
    assert made == [*body.split()[:3], address(4).encode()]


def test_there_are_so_many_links_and_no_more() -> None:
    body = b"".join(b"https://a.example/%d\r\n" % number for number in range(MOST_LINKS + 5))
    made = track(text_mail(body))
    assert len(made.links) == MOST_LINKS
    assert made.content.endswith(b"".join(body.splitlines(keepends=True)[MOST_LINKS:]))


def test_stored_addresses_have_room_for_so_much() -> None:
    long, short = b"https://a.example/" + b"x" * 1_900, b"https://b.example/"
    count = MOST_URL_OCTETS // len(long)
    made = track(text_mail((long + b"\r\n") * (count + 1) + short + b"\r\n"))
    assert made.links == (long.decode(),) * count
    assert made.content.endswith(long + b"\r\n" + short + b"\r\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<body>x</body></html>\r\n", b"<body>x%s</body></html>\r\n"),
        (b"<b>x</b>\r\n\r\n", b"<b>x</b>%s\r\n\r\n"),
        (b"x", b"x%s"),
        (b"<body></body>x</body >\r\n", b"<body></body>x%s</body >\r\n"),
    ],
)
def test_the_image_goes_before_the_end(body: bytes, expected: bytes) -> None:
    content = body_of(track(html_mail(body)).content)
    before, after = expected.split(b"%s")
    assert content.startswith(before + b"<p class='ampimg'")
    assert content.endswith(b"</p>" + after)


def test_there_is_one_image_in_the_html_that_people_see() -> None:
    light, rich = entity("text/html", "light"), entity("text/html", "rich")
    footer = entity("text/html", "footer")
    sets = multipart("multipart/alternative", PLAIN, light, rich, boundary="c")
    for content, expected in (
        (message(multipart("multipart/mixed", sets, footer)), b"rich"),
        (message(multipart("multipart/mixed", light, rich)), b"rich"),
        (message(multipart("multipart/mixed", PLAIN, sets)), b"rich"),
        (message(PLAIN), None),
    ):
        seen = [text for _, text in texts(track(content).content) if PIXEL.encode() in text]
        assert [text.partition(b"<p")[0] for text in seen] == ([expected] if expected else [])


def test_lines_that_would_be_too_long_are_broken_in_tags_or_stay() -> None:
    filler = b"x" * 940
    html = b"<p>" + filler + b"<a class=y href='http://a.example/'>a</a></p>\r\n"
    made = track(html_mail(html), CLICKS_ONLY)
    assert body_of(made.content) == html.replace(
        b"href='http://a.example/", b"\r\nhref='" + address(1).encode()
    )
    text = b"x" * 960 + b" http://a.example/ b\r\n"
    content = text_mail(text)
    assert track(content).content == content
    no_room = html_mail(b"<p><a href='http://a.example/'>" + filler + b"</a></p>\r\n")
    assert track(no_room, CLICKS_ONLY).content == no_room
    shorter = text_mail(text[30:])
    assert address(1).encode() in track(shorter).content


@pytest.mark.parametrize("before", [0, 1, 30, 100, 500, 830, 974])
@pytest.mark.parametrize("encoding", ["7bit", "8bit"])
def test_the_image_finds_room_on_a_long_line(before: int, encoding: str) -> None:
    start, rest = (
        b"<body>hi\r\n" + b"x" * before,
        b"</body><!--" + b"x" * (960 - before) + b"-->\r\n",
    )
    made = body_of(track(html_mail(start + rest, encoding=encoding)).content)
    assert made.count(PIXEL.encode()) == 1
    assert max(len(line) for line in made.split(b"\r\n")) <= 998
    head, tail = made.split(b"<p class='ampimg'")
    tail = tail.partition(b"</p>")[2]
    assert (head.removesuffix(b"\r\n"), tail.removeprefix(b"\r\n")) == (
        start.removesuffix(b"\r\n"),
        rest,
    )


def test_the_image_finds_room_before_a_line_that_is_too_long() -> None:
    rest = b"</body><!--" + b"x" * 5_000 + b"-->\r\n"
    made = body_of(track(html_mail(b"<body>hi\r\n" + rest)).content)
    assert made.endswith(b"</p>\r\n" + rest)


def test_a_page_on_one_line_is_broken_in_its_tags() -> None:
    html = (b"<td>some text of it</td><td><a href='http://a.example/'>a</a></td>" * 200)[
        :-1
    ] + b">\r\n"
    made = track(html_mail(html))
    assert len(made.links) == 200
    assert made.content.count(address(200).encode()) == 1
    assert max(len(line) for line in made.content.split(b"\r\n")[-150:]) <= 998


def test_eight_bit_text_keeps_its_bytes() -> None:
    body = "Grüße: https://a.example/ – é\r\n".encode("windows-1252")
    made = track(text_mail(body, "windows-1252"))
    assert body_of(made.content) == body.replace(b"https://a.example/", address(1).encode())


def test_base64_is_encoded_again_in_lines_of_76() -> None:
    text = (LINK * 9 + "\n\u00e9").encode()
    raw = base64.encodebytes(text).replace(b"\n", b"\r\n") + b"\r\n"
    made = track(html_mail(raw, encoding="base64"), CLICKS_ONLY)
    encoded = body_of(made.content)
    lines = encoded.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert {len(line) for line in lines[:-3]} == {76}
    expected = text
    for number in range(1, 10):
        expected = expected.replace(b"https://a.example/", address(number).encode(), 1)
    assert base64.b64decode(encoded) == expected


def test_more_text_than_is_looked_at_stays() -> None:
    big = message(multipart("multipart/mixed", PLAIN, entity("text/plain", TEXT * 80_000), PLAIN))
    assert len(track(big).links) == 1
