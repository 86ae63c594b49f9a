"""Fuzz target of tracked content."""

from __future__ import annotations

from chalicelib.domain.tracking.links_html import HtmlScan
from chalicelib.domain.tracking.links_text import find_text_links
from chalicelib.domain.tracking.links_url import Occurrence
from chalicelib.domain.tracking.token import MOST_LINKS, read_tracking_token
from tests.tracked_mail import samples, track

SEEDS = tuple(samples().values())
WORDS = (
    b"<a href='", b'<area href="', b"https://a.example/", b"http+notrack://", b"'", b'"', b">", b"<!--", b"-->",
    b"</body>",
    b"<script>", b"</script>", b"=\r\n", b"=3D", b"= \r\n", b"&amp;", b"&#x41;", b"<![CDATA[", b"--=_1\r\n",
    b"\r\n\r\n",
    b"Content-Type: text/html\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n", b"X-Posthorn-Track: no\r\n",
    b"(", b")",
)  # fmt: skip


def fuzz_tracking(data: bytes) -> None:
    """Links lie in order inside the text; what is tracked is the same every time, and can be tracked again."""
    scan = HtmlScan(data)
    _check(data, scan.links)
    assert -1 <= scan.body_end < len(data) or not data
    _check(data, list(find_text_links(data, utf8=True)))
    made = track(data)
    assert made == track(data)
    assert len(made.links) <= MOST_LINKS
    assert all(url.isascii() and url.isprintable() and len(url) <= 2_000 for url in made.links)
    track(made.content)
    assert read_tracking_token(data.decode("latin-1"), "abcdef", b"key") is None


def _check(data: bytes, links: list[Occurrence]) -> None:
    at = 0
    for link in links:
        assert at <= link.start < link.end <= len(data)
        assert link.url or data[link.start : link.end].lower() == b"+notrack"
        assert link.break_at < link.start
        at = link.end
