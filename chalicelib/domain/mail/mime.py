"""The MIME structure of a message as offsets: where each leaf part begins and ends, and what it says it is.

Nothing is copied until a part is decoded. Broken structure is carried: a multipart without a usable boundary is one
part, a missing end closes at the end of what surrounds it. A walk stops at 32 levels and 1,000 parts (containers
counted), and after 10,000 lines that begin like a delimiter; deeper or later parts are not listed. `message/rfc822` is
a leaf: a forwarded message is looked into by no one. RFC 2045, 2046, 2183, 2231.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chalicelib.domain.mail.comments import without_comments
from chalicelib.domain.mail.encoded_words import clean, decode_base64, decode_text
from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.parameters import read_parameters

DEEPEST = 32
MOST_PARTS = 1_000
MOST_LINES = 10_000

# Controls, path separators are kept as people wrote them; bidirectional overrides can disguise `exe.gpj` as an image.
_DISGUISES = re.compile("[\ufffd\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONGEST_FILENAME = 255
_LONGEST_ENCODING = 255
_LINE = 60


class Container(NamedTuple):
    """A multipart that holds parts: its lower-case content type, the offset of its body, which tells it from others,
    and that of its first field."""

    content_type: str
    start: int
    head: int


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf. `content[head:start]` are its fields, `content[start:end]` is its body, still encoded; `params` are those
    of its Content-Type; `within` are the multiparts around it, outermost first.

    `content_type`, `disposition` and `encoding` are lower-case; `disposition` and `filename` may be empty. `filename`
    is text for people, without control characters: never a path to write to.
    """

    content_type: str
    params: Mapping[str, str]
    disposition: str
    filename: str
    encoding: str
    head: int
    start: int
    end: int
    within: tuple[Container, ...] = ()


@dataclass(slots=True)
class _Walk:
    """What is found so far, how many entities were looked at, how many lines that begin like a delimiter may still be,
    and whether some was left out."""

    content: bytes
    deepest: int
    leaves: list[Part] = field(default_factory=list)
    seen: int = 0
    lines: int = MOST_LINES
    cut: bool = False

    def entity(
        self, headers: Headers, end: int, within: tuple[Container, ...], default: str
    ) -> None:
        """One entity whose body is `content[headers.body_at:end]`."""
        self.seen += 1
        content_type, params = _content_type(headers, default)
        boundary = params.get("boundary", "")
        if content_type.startswith("multipart/") and boundary:
            bodies = self._bodies(headers, boundary, end, len(within))
            if bodies:
                inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
                container = Container(content_type, headers.body_at, headers.start)
                self._children(bodies, (*within, container), inner)
                return
        self.leaves.append(_leaf(headers, content_type, params, end, within))

    def _children(
        self, bodies: list[tuple[int, int]], within: tuple[Container, ...], default: str
    ) -> None:
        for start, end in bodies:
            if self.seen >= MOST_PARTS:
                self.cut = True
                return
            self.entity(read_headers(self.content, start, end), end, within, default)

    def _bodies(
        self, headers: Headers, boundary: str, end: int, depth: int
    ) -> list[tuple[int, int]]:
        if depth >= self.deepest:
            self.cut = True
            return []
        needle = b"\r\n--" + boundary.encode("latin-1", "replace")
        found, looked = _between(self.content, needle, headers.body_at, end, self.lines)
        self.lines -= looked
        self.cut |= self.lines <= 0 or len(found) >= MOST_PARTS
        return found


def read_parts(content: bytes, headers: Headers) -> tuple[Part, ...]:
    """The leaves of a message in order; a message without MIME fields is one text/plain leaf. Never raises."""
    return read_structure(content, headers)[0]


def read_structure(
    content: bytes, headers: Headers, deepest: int = DEEPEST
) -> tuple[tuple[Part, ...], bool]:
    """The same down to this many levels, and whether there is more than is listed."""
    walk = _Walk(content, deepest)
    walk.entity(headers, len(content), (), "text/plain")
    return tuple(walk.leaves), walk.cut


def decode_part(content: bytes, part: Part) -> bytes:
    """The part's bytes with its transfer encoding undone; an unknown encoding is left as it is."""
    data = content[part.start : part.end]
    if part.encoding == "base64":
        return decode_base64(data)
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    return data


def mime_base64(data: bytes) -> str:
    """Base64 with a line feed after every 60 characters and at the end."""
    digits = base64.b64encode(data)
    count, rest = divmod(len(digits), _LINE)
    whole = count * _LINE
    # Column by column, because a text a line would take twice the memory of the message.
    lines = bytearray(b"\n") * (count * (_LINE + 1))
    for column in range(_LINE if count else 0):
        lines[column :: _LINE + 1] = digits[column:whole:_LINE]
    if rest:
        lines += digits[whole:] + b"\n"
    return lines.decode("ascii")


def part_text(content: bytes, part: Part) -> str:
    """The part as text in its character set, lines ending with a line feed."""
    text = decode_text(decode_part(content, part), part.params.get("charset", ""))
    return text.replace("\r\n", "\n")


def bodies_and_attachments(content: bytes) -> tuple[str | None, str | None, tuple[Part, ...]]:
    """The first plain and the first HTML body (None when there is none) and the attachments (contract section 2.4)."""
    plain, html, attachments = find_bodies(content)
    return (
        None if plain is None else part_text(content, plain),
        None if html is None else part_text(content, html),
        attachments,
    )


def find_bodies(content: bytes) -> tuple[Part | None, Part | None, tuple[Part, ...]]:
    """Where the first plain and the first HTML body are, and the attachments; nothing is decoded."""
    plain: Part | None = None
    html: Part | None = None
    attachments = []
    for part in read_parts(content, read_headers(content)):
        if is_attachment(part):
            attachments.append(part)
        elif part.content_type == "text/html":
            html = part if html is None else html
        elif plain is None:
            plain = part
    return plain, html, tuple(attachments)


def is_attachment(part: Part) -> bool:
    """Whether a leaf says so, has a file name, or is neither plain text nor HTML."""
    if part.disposition == "attachment" or part.filename:
        return True
    return part.content_type not in ("text/plain", "text/html")


def _content_type(headers: Headers, default: str) -> tuple[str, dict[str, str]]:
    """The first Content-Type decides, as in most mail programs; an unusable one means plain text (RFC 2045 §5.2)."""
    values = headers.values(b"content-type")
    if not values:
        return default, {}
    content_type, params = read_parameters(values[0])
    return (content_type if content_type.count("/") == 1 else "text/plain"), params


def _leaf(
    headers: Headers,
    content_type: str,
    params: dict[str, str],
    end: int,
    within: tuple[Container, ...],
) -> Part:
    dispositions = headers.values(b"content-disposition")
    disposition, disposed = read_parameters(dispositions[0]) if dispositions else ("", {})
    encodings = headers.values(b"content-transfer-encoding")
    name = disposed.get("filename") or params.get("name") or ""
    return Part(
        content_type=content_type,
        params=params,
        disposition=disposition,
        filename=_DISGUISES.sub("", clean(name)).strip()[:_LONGEST_FILENAME],
        encoding=read_encoding(encodings[0]) if encodings else "7bit",
        head=headers.start,
        start=headers.body_at,
        end=end,
        within=within,
    )


def read_encoding(value: bytes) -> str:
    """The lower-case transfer encoding that the first 255 octets of a field value name, its comments left out
    (RFC 2045 §6.1)."""
    value = value.strip()[:_LONGEST_ENCODING]
    if b"(" in value:
        value = without_comments(value)
    return value.decode("latin-1").strip().lower()


def _between(
    content: bytes, needle: bytes, start: int, end: int, lines: int
) -> tuple[list[tuple[int, int]], int]:
    """Start and end of what stands between the delimiter lines (RFC 2046 §5.1.1), at most `MOST_PARTS`, and how many
    lines that begin like one were looked at, at most `lines`; empty when there is no delimiter. The CRLF before a
    delimiter belongs to it, so the search begins one line earlier."""
    looked = 0
    found: list[tuple[int, int]] = []
    opened: int | None = None
    at = content.find(needle, start - 2, end)
    while at >= 0 and len(found) < MOST_PARTS and looked < lines:
        looked += 1
        line_end = content.find(b"\r\n", at + len(needle), end)
        line_end = end if line_end < 0 else line_end
        rest = content[at + len(needle) : line_end].rstrip(b" \t")
        if rest in (b"", b"--"):
            if opened is not None:
                found.append((min(opened, at), at))
            opened = None if rest else min(line_end + 2, end)
            if rest:
                return found, looked
        at = content.find(needle, line_end, end)
    if opened is not None and len(found) < MOST_PARTS:
        found.append((opened, end))
    return found, looked
