"""Reading a message against Python's `email` package: header fields, MIME parts, newline checks; and replacing the
links of a newsletter against what it takes Python's `html.parser` to read it once."""

from __future__ import annotations

from binascii import b2a_qp
from email import message_from_bytes
from functools import partial
from html.parser import HTMLParser

from bench.sign import SIZES, message
from bench.table import Row, interleaved, print_table
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import Part, read_parts
from chalicelib.domain.mail.newlines import has_bare_newline
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.track_domains import TrackDomain
from chalicelib.domain.tracking.content import tracked
from chalicelib.domain.tracking.token import tracking_token

TRACK = TrackDomain("click.example.com", "click", "example.com", ServerId(1), "", 0)
SITE = "https://click.example.com"
ROW = (
    b'<tr><td align="center" valign="top" style="padding:10px 20px;font-family:Arial,sans-serif">'
    b'<p style="margin:0">Something to read about it.</p>\r\n<a href="https://shop.example.com/item/1?utm_source=mail'
    b'&amp;utm_campaign=spring" target="_blank" style="color:#336699"><img src="https://cdn.example.com/1.png" '
    b'alt="Item" width="100" height="80" border="0"></a></td></tr>\r\n'
)


def multipart(size: int) -> bytes:
    """The ordinary message as the first of two parts."""
    plain = message(size)
    at = plain.index(b"\r\n\r\n")
    header = plain[:at].replace(b"text/plain; charset=utf-8", b'multipart/mixed; boundary="=_b"')
    return (
        header
        + b"\r\n\r\n--=_b\r\n\r\n"
        + plain[at + 4 :]
        + b'\r\n--=_b\r\nContent-Type: image/png; name="a.png"\r\n'
        + b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--=_b--\r\n"
    )


def read_what_accept_reads(content: bytes) -> tuple[object, ...]:
    """The fields that accepting a message looks at."""
    headers = read_headers(content)
    return headers.values(b"from"), headers.last_text("subject"), headers.count(b"received")


def read_mime(content: bytes) -> tuple[Part, ...]:
    """The leaves with their offsets, headers of each part read."""
    return read_parts(content, read_headers(content))


def newsletter(size: int) -> tuple[bytes, bytes]:
    """A page in HTML of about this size, with a link in each 380 bytes, and the message that has it in 8bit."""
    page = b"<html><body><table>\r\n" + ROW * (size // len(ROW)) + b"</table></body></html>\r\n"
    header = (
        b"From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    )
    return page, header + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + page


def quoted(content: bytes) -> bytes:
    """The same message in quoted-printable."""
    header, _, page = content.partition(b"\r\n\r\n")
    encoded = b2a_qp(page.replace(b"\r\n", b"\n"))
    return (
        header.replace(b"8bit", b"quoted-printable") + b"\r\n\r\n" + encoded.replace(b"\n", b"\r\n")
    )


def replace_links(content: bytes) -> object:
    """The message with its links replaced, as a delivering function makes it."""

    def address(link: int) -> str:
        return f"{SITE}/abcdef/{tracking_token(1, 2, link, 'abcdef', b'key')}"

    return tracked(content, TRACK, address, f"{SITE}/img/abcdef/0")


def tracking_rows() -> list[Row]:
    """Replacing the links of a newsletter of 20 kB, in two transfer encodings."""
    page, content = newsletter(20_000)
    text = page.decode()
    taken = interleaved(
        {
            "8bit": partial(replace_links, content),
            "quoted-printable": partial(replace_links, quoted(content)),
            "parser": lambda: HTMLParser().feed(text),
        }
    )
    rows = []
    for name, least in (("8bit", 0.75), ("quoted-printable", 1.25)):
        ratio = taken[name] / taken["parser"]
        rows.append(
            Row(
                f"links replaced, 20 kB {name}, to html.parser",
                taken[name] * 1e6,
                "µs",
                ratio,
                f"<= {least}x",
                ratio <= least,
            )
        )
    return rows


def run() -> list[Row]:
    """One row a size and kind of reading; ratios to `message_from_bytes` on the same bytes. Then the links."""
    rows = []
    for name, size in SIZES.items():
        content = multipart(size)
        taken = interleaved(
            {
                "headers": partial(read_what_accept_reads, content),
                "parts": partial(read_mime, content),
                "newlines": partial(has_bare_newline, content),
                "email": partial(message_from_bytes, content),
            }
        )
        ratio = taken["headers"] / taken["email"]
        rows.append(
            Row(
                f"header read, {name}, to email",
                taken["headers"] * 1e6,
                "µs",
                ratio,
                "<= 0.1x",
                ratio <= 0.1,
            )
        )
        for part in ("parts", "newlines"):
            ratio = taken[part] / taken["email"]
            rows.append(Row(f"{part}, {name}, to email", taken[part] * 1e6, "µs", ratio))
    return rows + tracking_rows()


if __name__ == "__main__":
    print_table(run())
