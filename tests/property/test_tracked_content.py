"""Tracked content of any message: only links differ, in every character set and transfer encoding, every time alike."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from dataclasses import replace
from html import escape

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import read_parts
from chalicelib.domain.mail.splicing import Edit
from chalicelib.domain.tracking.bodies import changed_body, read_body
from chalicelib.domain.tracking.token import MOST_LINKS, read_tracking_token, tracking_token
from tests.tracked_mail import (
    CLICKS_ONLY,
    HEAD,
    TRACK,
    address,
    body_of,
    html_mail,
    text_mail,
    track,
)

IMAGE = re.compile(rb"<p class='ampimg'.*?</p>", re.DOTALL)
ADDRESS = re.compile(rb"https://click\.acme\.test/abcdef/\d{22}")

CHARSETS = {
    "utf-8": "gr\u00fc\u00df \u3042\u8868\U0001f600",
    "iso-8859-1": "gr\u00fc\u00df",
    "windows-1251": "\u043f\u0440\u0438",
    "shift_jis": "\u8868\u30bd\u4e88",
    "gb18030": "\u4e2d\u6587\U0001f600",
    "big5": "\u529f\u8a31\u84cb",
    "euc-kr": "\ud55c\uad6d",
}
PATHS = st.text("abz019-._~!$'()*+,;=:@/?#[]%&".replace("%", ""), max_size=90)


@st.composite
def pages(draw: st.DrawFn) -> tuple[bytes, str, list[str], list[str]]:
    """A page in a character set, its charset, the addresses in it and how they are written there."""
    charset = draw(st.sampled_from(sorted(CHARSETS)))
    words = st.text(CHARSETS[charset] + "ab <>=&;.\t'\"", max_size=60).map(
        lambda text: escape(text, quote=False)
    )
    urls = [f"https://h{n}.example/{draw(PATHS)}" for n in range(draw(st.integers(0, 5)))]
    written, pieces = [], [draw(words)]
    for url in urls:
        form = escape(url) if draw(st.booleans()) else escape(url).replace("/", "&#x2f;")
        quote = draw(st.sampled_from("'\""))
        written.append(form)
        pieces.append(f"<a\n class=x href={quote}{form}{quote}>{draw(words)}</a>{draw(words)}")
    return "\r\n".join(pieces).encode(charset), charset, urls, written


ENCODINGS = {
    "8bit": lambda text: text,
    "base64": lambda text: base64.encodebytes(text).replace(b"\n", b"\r\n"),
    "quoted-printable": lambda text: quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(
        b"\n", b"\r\n"
    ),
}
DECODERS = {"8bit": bytes, "base64": binascii.a2b_base64, "quoted-printable": binascii.a2b_qp}


@given(pages(), st.sampled_from(sorted(ENCODINGS)))
def test_only_links_differ(page: tuple[bytes, str, list[str], list[str]], encoding: str) -> None:
    text, charset, urls, written = page
    content = html_mail(ENCODINGS[encoding](text), charset, encoding)
    made = track(content)
    assert made == track(content)
    assert list(made.links) == urls
    assert made.content.partition(b"\r\n\r\n")[0] == content.partition(b"\r\n\r\n")[0]
    after = DECODERS[encoding](body_of(made.content))
    assert len(IMAGE.findall(after)) == 1
    after = IMAGE.sub(b"", after)
    for number, form in enumerate(written, 1):
        assert after.count(address(number).encode()) == 1
        after = after.replace(address(number).encode(), form.encode(charset))
    assert after == DECODERS[encoding](body_of(content))
    after.decode(charset)


@given(pages())
@example((b"\r\n" + b"x" * 76, "us-ascii", [], []))  # the last line is full before the image comes
@example((b"\r\n" + b"x" * 70 + b"==", "us-ascii", [], []))
@example((b"\r\n" + b"x" * 71 + b"-----", "us-ascii", [], []))
def test_lines_of_quoted_printable_keep_to_76(
    page: tuple[bytes, str, list[str], list[str]],
) -> None:
    encoded = ENCODINGS["quoted-printable"](page[0])
    # The library that encodes the mail makes 77 octets of a full line that ends in a blank; such a line stays as it is.
    assume(all(len(line) <= 76 for line in encoded.split(b"\r\n")))
    made = track(html_mail(encoded, page[1], "quoted-printable"))
    for line in body_of(made.content).split(b"\r\n"):
        assert len(line) <= 76
        assert not line.endswith((b" ", b"\t"))


PIECES = st.sampled_from(
    [
        b"<a href=", b"<a href='", b'<a href="', b"'", b'"', b">", b"<", b"https://a.example/", b"http://b", b"=",
        b"=\r\n",
        b"=3D", b"= \r\n", b"==", b"=41", b"\r\n", b" ", b"<!--", b"-->", b"<script>", b"</script>", b"</body>",
        b"&amp;",
        b"<![CDATA[", b"]]>", b"(", b").", b"\xc2\xa0", b"\xff", b"\n", b"\r", b"=0", b"<p x=", b"</",
    ]
)  # fmt: skip
BODIES = st.lists(PIECES | st.binary(max_size=3), max_size=40).map(b"".join)


@given(BODIES, st.sampled_from(["8bit", "quoted-printable"]), st.booleans())
def test_any_bytes_keep_what_is_between_links(body: bytes, encoding: str, html: bool) -> None:
    content = (html_mail if html else text_mail)(body, "utf-8", encoding)
    made = track(content)
    before = read_body(body_of(content), encoding)
    after = read_body(body_of(made.content), encoding)
    assert before is not None
    assert after is not None
    at = 0
    pieces = ADDRESS.split(IMAGE.sub(b"", after))
    assert len(pieces) == len(made.links) + 1
    for piece in pieces:
        found = before.find(piece, at)
        assert found >= 0
        at = found + len(piece)
    assert before.startswith(pieces[0])
    assert before.endswith(pieces[-1])
    again = track(made.content)
    assert again.links == ()


@given(st.binary(max_size=300), st.data())
def test_quoted_printable_is_spliced_where_it_decodes(text: bytes, data: st.DataObject) -> None:
    text = text.replace(b"\r", b"").replace(b"\n", b"\r\n")
    raw = ENCODINGS["quoted-printable"](text)
    decoded = read_body(raw, "quoted-printable")
    assert decoded is not None
    assert decoded == binascii.a2b_qp(raw)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(decoded)), max_size=8)))
    edits = [
        Edit(start, end, data.draw(st.sampled_from([b"", b"x", b"a='b'" * 20, b"-" * 200])))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    expected, at = b"", 0
    for edit in edits:
        expected += decoded[at : edit.start] + edit.new
        at = edit.end
    changed = changed_body(raw, "quoted-printable", decoded, edits)
    assert binascii.a2b_qp(changed) == expected + decoded[at:]


@given(st.lists(PIECES | st.sampled_from([
    b"Content-Type: multipart/alternative; boundary=b\r\n", b"--b\r\n", b"--b--\r\n", b"Content-Type: text/html\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n", b"\r\n\r\n",
]), max_size=60).map(b"".join))  # fmt: skip
def test_the_parts_of_any_message_stay_in_place(content: bytes) -> None:
    content = HEAD + content
    made = track(content, CLICKS_ONLY)
    before, after = (read_parts(each, read_headers(each)) for each in (content, made.content))
    assert [replace(part, start=0, end=0, within=()) for part in before] == [
        replace(part, start=0, end=0, within=()) for part in after
    ]
    assert track(content, replace(TRACK, track_clicks=False, track_loads=False)).content is content


SERVERS, MESSAGES = st.integers(0, (1 << 22) - 1), st.integers(0, (1 << 31) - 1)
LINKS = st.integers(0, MOST_LINKS)


@given(SERVERS, MESSAGES, LINKS, st.text(max_size=8), st.binary(min_size=1, max_size=64))
def test_tokens_come_back(server: int, message: int, link: int, name: str, key: bytes) -> None:
    token = tracking_token(server, message, link, name, key)
    assert len(token) == 22
    assert token.isascii()
    assert token.isalnum()
    assert read_tracking_token(token, name, key) == (server, message, link)
    assert read_tracking_token(token, name + "x", key) is None
    assert read_tracking_token(token, name, key + b"x") is None


@given(SERVERS, MESSAGES, LINKS, st.integers(0, 21), st.sampled_from("0Az_"))
def test_a_token_with_another_character_is_none(
    server: int, message: int, link: int, at: int, other: str
) -> None:
    token = tracking_token(server, message, link, "abcdef", b"key")
    changed = token[:at] + other + token[at + 1 :]
    assert changed == token or read_tracking_token(changed, "abcdef", b"key") is None


@given(st.text(max_size=30) | st.text("0123456789ABCabcz", min_size=22, max_size=22))
def test_strangers_write_no_token(text: str) -> None:
    assert read_tracking_token(text, "abcdef", b"key") is None


@pytest.mark.parametrize(
    "numbers", [(1 << 22, 1, 1), (1, 1 << 31, 1), (1, 1, 2048), (-1, 1, 1), (1, 1, -1)]
)
def test_numbers_that_do_not_fit_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        tracking_token(*numbers, "abcdef", b"key")
