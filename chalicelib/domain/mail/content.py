"""A message for people and programs: its fields decoded, its texts, its attachments (api.md 2.10 and 2.18).

What is shown is bounded: 2,000 fields of 1 MiB, 1,000 parts down to 20 levels, and as much text as the caller wants;
`truncated` says that there is more. Any bytes give an answer, in time and memory linear in them: what would take long
to decode is shown as it stands. Lines at the end of the header that are no fields are shown as text: the empty line in
front of them is missing. A message/rfc822 part is one attachment, not looked into. Nothing here is safe HTML.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.mail.charsets import labelled_text
from chalicelib.domain.mail.encoded_words import decode_eight_bit, decode_header
from chalicelib.domain.mail.headers import Field, Headers, read_headers
from chalicelib.domain.mail.mime import Part, decode_part, is_attachment, read_structure

MOST_FIELDS = 2_000
DEEPEST = 20
MOST_TEXT = 4 * 1024 * 1024

# Octets of values with encoded words or controls that are decoded; such values cost a hundred times what others do.
_MOST_ODD = 128 * 1024
_ODD = re.compile(
    rb"=\?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xed[\xa0-\xbf]"
)
_MAILBOX_LINES = re.compile(rb"(?:>*+From [^\r]*+\r\n)++")
_CONTROLS = bytes({*range(32), 127} - {9})


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field: its name as it was written, its value unfolded and decoded."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is no body. `index` counts them from 0; `size` and `sha256` are of the decoded bytes; `filename` and
    `content_id`, which is without brackets, may be None."""

    part: Part
    index: int
    filename: str | None
    content_type: str
    content_id: str | None
    inline: bool
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """What it is called as a file."""
        return self.filename or f"attachment-{self.index}"


@dataclass(frozen=True, slots=True)
class Content:
    """`text` and `html` are the parts of their kind that are no attachments, joined, with LF line ends; None when
    there are none."""

    headers: Headers
    fields: tuple[HeaderField, ...]
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]
    truncated: bool


def read_content(content: bytes, most_text: int = MOST_TEXT) -> Content:
    """All of a message; text and HTML are cut at `most_text` bytes of UTF-8 each, and together at MOST_TEXT unless
    more is asked for. Never raises."""
    headers = read_headers(content)
    if (body_at := _unparted(content, headers)) is not None:
        headers = read_headers(content, headers.start, body_at)
    fields, fields_cut = _fields(headers, content)
    parts, parts_cut = read_structure(content, headers, DEEPEST)
    bodies = [part for part in parts if not is_attachment(part)]
    plain = [part for part in bodies if part.content_type != "text/html"]
    html = [part for part in bodies if part.content_type == "text/html"]
    text, text_cut = joined_text(content, plain, most_text)
    left = max(most_text, MOST_TEXT) - len(text or "")
    markup, html_cut = joined_text(content, html, min(most_text, left))
    return Content(
        headers,
        fields,
        text,
        markup,
        read_attachments(content, parts),
        fields_cut or parts_cut or text_cut or html_cut,
    )


def _unparted(content: bytes, headers: Headers) -> int | None:
    """Where the body begins that no empty line parts from the header; None where one does. Without any empty line that
    is the first line that is no field, else the first behind the last field."""
    if headers.truncated:
        return None
    is_parted = headers.body_at < len(content) or content.endswith(b"\r\n\r\n")
    at = headers.start
    for field in headers.fields:
        at = field.start if is_parted else _mailbox_lines_end(content, at, field.start)
        if at < field.start:
            return at
        at = field.end
    end = headers.body_at - 2 if is_parted else len(content)
    at = _mailbox_lines_end(content, at, end)
    return at if at < end else None


def _mailbox_lines_end(content: bytes, at: int, end: int) -> int:
    """The offset behind lines of mailboxes (`From …`), which are neither fields nor text."""
    found = _MAILBOX_LINES.match(content, at, end)
    return found.end() if found else at


def read_attachments(content: bytes, parts: Iterable[Part]) -> tuple[Attachment, ...]:
    """The attachments among the leaves of a message, in order."""
    found: list[Attachment] = []
    for part in filter(is_attachment, parts):
        data = decode_part(content, part)
        ids = read_headers(content, part.head, part.start).values(b"content-id")
        content_id = decode_eight_bit(ids[0]).strip("<> \t") if ids else ""
        found.append(
            Attachment(
                part=part,
                index=len(found),
                filename=part.filename or None,
                content_type=part.content_type,
                content_id=content_id or None,
                inline=part.disposition == "inline" or (not part.disposition and bool(content_id)),
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    return tuple(found)


def joined_text(content: bytes, parts: Iterable[Part], most: int) -> tuple[str | None, bool]:
    """Text parts in order, a line end between them, and whether they were cut at `most` bytes of UTF-8."""
    texts: list[str] = []
    left = most
    for part in parts:
        if left <= 0:
            return "\n".join(texts), True
        # No character set makes more than one character of a byte.
        text = labelled_text(decode_part(content, part), part.params.get("charset", ""))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        texts.append(_cut(text, left))
        left -= len(texts[-1].encode()) + 1
        if len(texts[-1]) < len(text):
            return "\n".join(texts), True
    return ("\n".join(texts) if texts else None), False


def _cut(text: str, most: int) -> str:
    if len(text) * 4 <= most:
        return text
    octets = text.encode()
    return text if len(octets) <= most else octets[:most].decode("utf-8", "ignore")


def _fields(headers: Headers, content: bytes) -> tuple[tuple[HeaderField, ...], bool]:
    shown: list[HeaderField] = []
    cut, odd = headers.truncated, 0
    for field in headers.fields:
        if len(shown) == MOST_FIELDS:
            return tuple(shown), True
        name = content[field.start : field.start + len(field.name)].decode("latin-1")
        if _ODD.search(field.value):
            odd += len(field.value)
        if odd > _MOST_ODD:
            cut = True
            shown.append(HeaderField(name, _as_it_stands(field)))
        else:
            shown.append(HeaderField(name, decode_header(field.value)))
    return tuple(shown), cut


def _as_it_stands(field: Field) -> str:
    """The value undecoded, without controls."""
    value = field.value.translate(None, _CONTROLS).strip(b" \t")
    return value.decode("ascii", "ignore")
