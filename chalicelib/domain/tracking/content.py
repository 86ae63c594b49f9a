"""Tracked content: a message with its links replaced and an image in it that tells when it is opened.

A function of the message's bytes and the track domain's choices alone, so that every attempt makes the same bytes. Only
links and the image's paragraph differ from the message: every part keeps its character set and transfer encoding, and
all other parts and fields stay byte for byte. Links are numbered by where they stand, before anything is excluded, so
that a number means the same link whatever is switched between two attempts. Contract section 7.

Which parts are looked at is told in `tracking_parts`, what a link is in `links_html` and `links_text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.mime import Part
from chalicelib.domain.mail.splicing import Edit, spliced
from chalicelib.domain.tenancy.track_domains import TrackDomain
from chalicelib.domain.tracking.bodies import changed_body, read_body
from chalicelib.domain.tracking.excluded_hosts import ExcludedHosts
from chalicelib.domain.tracking.links_html import HtmlScan
from chalicelib.domain.tracking.links_text import find_text_links
from chalicelib.domain.tracking.links_url import Occurrence
from chalicelib.domain.tracking.parts import alternative_of, is_utf8, treated_parts
from chalicelib.domain.tracking.token import MOST_LINKS

MOST_URL_OCTETS = 64 * 1024

_WORD = re.compile(rb"[a-z]+")
_NONE = frozenset((b"no", b"none", b"off", b"false"))
_SOME = frozenset((b"opens", b"clicks"))
# A changed text would no longer match its signature; an escape sequence switches to bytes that are not ASCII.
_UNTOUCHABLE = re.compile(rb"-----BEGIN PGP |\x1b")


@dataclass(frozen=True, slots=True)
class Tracked:
    """What goes out, and what link 1, 2, … lead to; no links when none was replaced."""

    content: bytes
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A part that can be changed: its text, the links in it, and where the image would go in HTML."""

    part: Part
    text: bytes
    links: Sequence[Occurrence]
    body_end: int


def tracked(
    content: bytes,
    choices: TrackDomain,
    address_of_link: Callable[[int], str],
    pixel: str,
    *,
    replace: bool = True,
) -> Tracked:
    """The message as it shall go out.

    `address_of_link` gives the address that stands for link 1, 2, …; `pixel` is the address of the image. The message's
    own fields can switch off what `choices` switch on, never more. With `replace` False no link is replaced, and
    everything else is as always.
    """
    headers = read_headers(content)
    clicks, opens = _switches(headers)
    opens = opens and choices.track_loads
    if not choices.track_clicks and not opens:
        return Tracked(content, ())
    texts = list(_texts(content, headers))
    opened = _opened(texts) if opens else None
    left_alone = ExcludedHosts((choices.name, *choices.excluded_click_domains))
    numbering = _Numbering(address_of_link, left_alone, replace=clicks and replace)
    bodies = []
    for text in texts:
        edits = list(numbering.edits(text.links)) if choices.track_clicks else []
        if text is opened:
            edits = _with_image(text, edits, pixel.encode("ascii"))
        bodies.append((text, edits))
    links = tuple(numbering.urls) if numbering.replaced else ()
    return Tracked(_assembled(content, bodies), links)


class _Numbering:
    """Gives each link that could be replaced its number, and each that shall be its edit."""

    def __init__(
        self, address_of_link: Callable[[int], str], left_alone: ExcludedHosts, *, replace: bool
    ) -> None:
        self._address_of_link = address_of_link
        self._left_alone = left_alone
        self._replace = replace
        self._room = MOST_URL_OCTETS
        self.urls: list[str] = []
        self.replaced = False

    def edits(self, links: Iterable[Occurrence]) -> Iterator[Edit]:
        """The edits of one part."""
        for link in links:
            if not link.url:
                yield Edit(link.start, link.end, b"")
            elif self._takes(link.url) and self._replaces(link):
                self.replaced = True
                address = self._address_of_link(len(self.urls)).encode("ascii")
                yield Edit(link.start, link.end, address, link.break_at)

    def _replaces(self, link: Occurrence) -> bool:
        return self._replace and not self._left_alone.has(link.url, link.host)

    def _takes(self, url: str) -> bool:
        """Whether there is a number for this link; once there is none, there is none for any later one."""
        self._room -= len(url)
        if self._room < 0 or len(self.urls) == MOST_LINKS:
            self._room = -1
            return False
        self.urls.append(url)
        return True


def _switches(headers: Headers) -> tuple[bool, bool]:
    """Whether the message lets its clicks, and its opens, be tracked: `X-Posthorn-Track`, `X-AMP: skip`."""
    values = headers.values(b"x-posthorn-track")
    words = {word for value in values for word in _WORD.findall(value.lower())}
    if words & _NONE or any(value.lower() == b"skip" for value in headers.values(b"x-amp")):
        return False, False
    only = words & _SOME
    return not only or b"clicks" in only, not only or b"opens" in only


def _texts(content: bytes, headers: Headers) -> Iterator[_Text]:
    for part in treated_parts(content, headers):
        text = read_body(content[part.start : part.end], part.encoding)
        if text is None or _UNTOUCHABLE.search(text) is not None:
            continue
        if part.content_type == "text/html":
            scan = HtmlScan(text)
            yield _Text(part, text, scan.links, scan.body_end)
        else:
            yield _Text(part, text, list(find_text_links(text, utf8=is_utf8(part))), -1)


def _opened(texts: Iterable[_Text]) -> _Text | None:
    """The text that the image goes into: of the alternatives that people are shown first, the last in HTML. One image
    a message, because two would count one reader twice."""
    found = None
    for text in texts:
        if text.part.content_type != "text/html":
            continue
        if found is not None and alternative_of(found.part) != alternative_of(text.part):
            break
        found = text
    return found


def _with_image(text: _Text, edits: list[Edit], pixel: bytes) -> list[Edit]:
    """The edits with the image's paragraph, before `</body>` or at the end; `ampimg` is how previews know it."""
    if pixel in text.text:
        return edits
    paragraph = (
        b"<p class='ampimg' style='display:none;margin:0;padding:0;line-height:0'>"
        b"<img src='%s' alt='' width='1' height='1'></p>" % pixel
    )
    at = text.body_end if text.body_end >= 0 else len(text.text.rstrip(b"\r\n"))
    image = Edit(at, at, paragraph, at)
    return sorted([*edits, image], key=lambda edit: edit.start)


def _assembled(content: bytes, bodies: Iterable[tuple[_Text, Sequence[Edit]]]) -> bytes:
    """The message with changed bodies; the very same object when there is nothing to change."""
    changes = []
    for text, edits in bodies:
        if edits:
            part = text.part
            raw = content[part.start : part.end]
            body = changed_body(raw, part.encoding, text.text, edits)
            changes.append(Edit(part.start, part.end, body))
    return spliced(content, changes) if changes else content
