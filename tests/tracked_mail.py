"""Tracked content looked at with other people's parsers, and mail as newsletters and shops send it."""

from __future__ import annotations

import email
from collections.abc import Callable, Sequence
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.track_domains import DnsStatus, TrackDomain
from chalicelib.domain.tracking.content import Tracked, tracked

SITE = "https://click.acme.test"
PIXEL = f"{SITE}/img/abcdef/0000000000000000000000"
TRACK = TrackDomain(
    "click.acme.test", "click", "acme.test", ServerId(1), "u", 0, dns_status=DnsStatus.OK
)
CLICKS_ONLY = replace(TRACK, track_loads=False)
HEAD = b"From: a@acme.test\r\nTo: b@example.com\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"


def address(link: int) -> str:
    """What stands for a link in these tests."""
    return f"{SITE}/abcdef/{link:022d}"


def track(content: bytes, choices: TrackDomain = TRACK) -> Tracked:
    """Tracked content with the addresses of these tests."""
    return tracked(content, choices, address, PIXEL)


def html_mail(body: bytes, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    """A message of one HTML part."""
    return _single(b"text/html", body, charset, encoding)


def text_mail(body: bytes, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    """A message of one plain text part."""
    return _single(b"text/plain", body, charset, encoding)


def _single(content_type: bytes, body: bytes, charset: str, encoding: str) -> bytes:
    return (
        HEAD
        + b"Content-Type: %s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % (content_type, charset.encode(), encoding.encode())
        + body
    )


def body_of(content: bytes) -> bytes:
    """What stands below the header."""
    return content.partition(b"\r\n\r\n")[2]


def texts(content: bytes) -> list[tuple[str, bytes]]:
    """Content type and decoded bytes of every leaf, as Python's email package reads them."""
    return [
        (part.get_content_type(), part.get_payload(decode=True) or b"")
        for part in email.message_from_bytes(content).walk()
        if not part.is_multipart()
    ]


class Events(HTMLParser):
    """Everything an HTML text consists of, in order; hidden paragraphs of ours left out and counted."""

    def __init__(self, undo: Callable[[str], str] = str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[object] = []
        self.links: list[str] = []
        self.images = 0
        self._undo = undo
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = self._hidden or (tag == "p" and ("class", "ampimg") in attrs)
        if self._hidden:
            self.images += tag == "img" and ("src", PIXEL) in attrs
            return
        if tag in ("a", "area"):
            hrefs = [value or "" for name, value in attrs if name == "href"]
            self.links += [href for href in hrefs if href.startswith(("http:", "https:"))]
            attrs = [(name, self._undo(value or "")) for name, value in attrs]
        self.found.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden = tag != "p"
        else:
            self.found.append(("/", tag))

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_entityref(self, name: str) -> None:
        self.found.append(("&", name))

    def handle_charref(self, name: str) -> None:
        self.found.append(("&#", name))

    def handle_comment(self, data: str) -> None:
        self.found.append(("<!--", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("<!", decl))

    def unknown_decl(self, data: str) -> None:
        self.found.append(("<![", data))


def events(html: str, links: Sequence[str] = ()) -> Events:
    """The events of a text, with the addresses that stand for `links` turned back."""
    back = {address(number): url for number, url in enumerate(links, 1)}
    reader = Events(lambda value: back.get(value, value))
    reader.feed(html)
    reader.close()
    return reader


_OUTLOOK = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml"><head>
<title>News &lt;a href="http://not.a.link/"&gt;</title>
<!--[if mso]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]-->
<style type="text/css">a[href="http://style.example/"] {color: red}</style></head>
<body style="margin:0"><table width="100%"><tr><td>
<!--[if mso]><v:roundrect href="https://shop.example.com/vml"><center>Buy</center></v:roundrect><![endif]-->
<!--[if !mso]><!--><a href="https://shop.example.com/buy?a=1&amp;b=2&c=3" id="x">Buy – jetzt</a><!--<![endif]-->
<a href="https://shop.example.com/unsubscribe/{{token}}">unsubscribe</a> <a href="mailto:shop@example.com">mail</a>
<a href="#top">up</a> <a href="cid:logo@example.com">logo</a> <a href='HTTPS://Shop.Example.COM/Upper'>Upper</a>
</td></tr></table></body>
</html>
"""
_RECEIPT = """<html><body>
<p>Grüße, your order <b>1 < 2</b> &amp; more: <A HREF = "https://shop.example.com/o/1#track" >here</A></p>
<map name="m"><area shape="rect" coords="0,0,1,1" href="https://shop.example.com/map"/></map>
<p title="<a href='http://title.example/'>">Help<br/><a class=x href=https://shop.example.com/help>help</a></p>
<script type="application/ld+json">{"url": "<a href='https://script.example/'>"}</script>
</body></html>
"""
_AMP = """<!doctype html><html ⚡4email data-css-strict><head><script async src="https://cdn.ampproject.org/v0.js"></script>
</head><body><a href="https://amp.example.com/">amp</a></body></html>
"""
_PLAIN = """Hello,

your order: https://shop.example.com/o/1#track.
(See https://shop.example.com/help_(shop) or <https://shop.example.com/a,b>.)
Grüße
"""


def _alternative(plain: str, html: str, *, amp: str = "", cte: str | None = None) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "a@acme.test", "b@example.com", "News"
    message["List-Unsubscribe"] = "<https://shop.example.com/u/1>"
    message.set_content(plain, cte=cte)
    if amp:
        message.add_alternative(amp, subtype="x-amp-html", cte=cte)
    message.add_alternative(html, subtype="html", cte=cte)
    return message


def _with_image_and_file(html: str) -> EmailMessage:
    message = _alternative(_PLAIN, html)
    message.get_payload()[1].add_related(  # type: ignore[union-attr]  # the HTML part
        b"\x89PNG", "image", "png", cid="<logo@example.com>"
    )
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment("see https://file.example/\n", filename="notes.txt")
    return message


_FOLDED = (
    HEAD
    + b'Content-Type: multipart/alternative; boundary="=_1"\r\n\r\nPreamble https://pre.example/\r\n--=_1\r\n'
    + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"Click https://shop.example.com/a/very/long/path/that/needs/more/than/one/line?q=\r\n"
    + b"=3D1&u=3D2 or leave it.=\r\n"
    + b' Bye=20\r\n--=_1\r\nContent-Type: text/html; charset="UTF-8"\r\n'
    + b"Content-Transfer-Encoding: Quoted-Printable\r\n\r\n"
    + b'<html><body><p style=3D"color:red">Gr=C3=BC=C3=9Fe <a style=3D"x" hre=\r\nf=3D"https://shop.example.com/a/ver=\r\n'
    + b"y/long/path?a=3D1&amp;b=3D2&#38;c=3D3\">x</a><a href=3D'http://b.example/'>=\r\ny</a></p></body></html>\r\n"
    + b"--=_1--\r\nEpilogue https://epi.example/\r\n"
)


def samples() -> dict[str, bytes]:
    """Messages as they come from the programs that people use, by name."""
    latin = html_mail(_RECEIPT.encode("latin-1").replace(b"\n", b"\r\n"), "iso-8859-1")
    sjis = html_mail(
        "<p>表示 <a href='https://shop.example.com/表'>a</a><a href=\"https://b.example/?x=表\">b</a>"
        '<a href="https://c.example/">ソ表</a></p>\r\n'.encode("shift_jis"),
        "Shift_JIS",
    )
    return {
        "outlook conditional comments": bytes(_alternative(_PLAIN, _OUTLOOK)),
        "base64 throughout": bytes(_alternative(_PLAIN, _OUTLOOK, cte="base64")),
        "quoted-printable throughout": bytes(
            _alternative(_PLAIN, _RECEIPT, cte="quoted-printable")
        ),
        "amp for e-mail": bytes(_alternative(_PLAIN, _RECEIPT, amp=_AMP)),
        "images inside and files beside": bytes(_with_image_and_file(_OUTLOOK)),
        "links folded by soft line breaks": _FOLDED,
        "one part in Latin-1": latin,
        "one part in Shift JIS": sjis,
        "plain text alone": text_mail(_PLAIN.encode().replace(b"\n", b"\r\n")),
    }
