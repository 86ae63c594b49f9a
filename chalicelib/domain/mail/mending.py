"""The few places where submitted bytes are changed: what other servers would read in another way, or not take.

A message that has none of them stays the very same object. Each change is a splice, and nothing else is touched:

* An mbox line (`From …`, `>From …`) in front of the header gets a name, `X-Mailbox-Line:`, as Postfix does it; at most
  ten do, and those within the first 10,000 octets.
* The header ends before a line that is neither a field nor the continuation of one, by an empty line put there
  (RFC 6409 §8): what follows is body to some verifiers and header to others, and then no signature holds.
* Message-ID and Date fields without a value are taken out, so that they count as missing (RFC 5322 §3.6, RFC 6409 §8).
  A value has visible ASCII; a Message-ID of the form `<@…>` or `<[…` has no left side, and is none.
* Fields that the caller names are taken out.

Content has CRLF lines. It is not looked into parts, and no value is judged but for being there. Linear.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from chalicelib.domain.mail.comments import without_comments
from chalicelib.domain.mail.headers import LONGEST_BLOCK, Field, Headers, read_headers
from chalicelib.domain.mail.splicing import Edit, spliced

NEEDS_A_VALUE = (b"message-id", b"date")
MOST_MAILBOX_LINES = 10
LONGEST_MAILBOX_LINES = 10_000

_MAILBOX_LINE = re.compile(rb">*+From (?![ \t]*+:)")
_LINE_OF_HEADER = rb"[!-9;-~]++[ \t]*+:|[ \t]|\r\n|\Z"
_FIRST_LINE = re.compile(_LINE_OF_HEADER)
_NO_FIELD = re.compile(rb"\r\n(?!" + _LINE_OF_HEADER + rb")")
_VISIBLE = frozenset(range(33, 127))
_NOTHING = b"<>@" + bytes(octet for octet in range(256) if octet not in _VISIBLE)
_NO_LEFT_SIDE = re.compile(rb"[ \t\r\n]*+<[ \t\r\n]*+[@\[]")


class _Line(NamedTuple):
    """Offsets; `end` after the CRLF."""

    start: int
    end: int


def mended(content: bytes, without: Collection[bytes] = ()) -> tuple[bytes, Headers]:
    """The message as it is stored, signed and sent, and its header; `without` are lower-case names of fields.

    A header that is `truncated` is left as it came, to be refused. Copied once, or not at all.
    """
    headers = read_headers(content)
    end = _end_of_fields(content, 0, headers.body_at)
    named = [] if end is None else list(_mailbox_lines(content))
    if named:
        headers = read_headers(content, named[-1].end)
        end = _end_of_fields(content, headers.start, headers.body_at)
    if end is not None:
        headers = read_headers(content, headers.start, end)
    if headers.truncated:
        return content, headers
    edits = [Edit(line.start, line.start, b"X-Mailbox-Line: ") for line in named]
    edits += [Edit(field.start, field.end, b"") for field in _superfluous(headers, without)]
    if end is not None:
        edits.append(Edit(end, end, b"\r\n"))
    if not edits:
        return content, headers
    content = spliced(content, edits)
    return content, read_headers(content)


def _mailbox_lines(content: bytes) -> Iterator[_Line]:
    """The lines in front that get a name; those after them end the header, like any line that is no field."""
    at = 0
    for _ in range(MOST_MAILBOX_LINES):
        line_end = content.find(b"\r\n", at, LONGEST_MAILBOX_LINES)
        if line_end < 0 or not _MAILBOX_LINE.match(content, at, line_end):
            return
        yield _Line(at, line_end + 2)
        at = line_end + 2


def _end_of_fields(content: bytes, start: int, body_at: int) -> int | None:
    """The offset of the first line before the body that is neither a field nor the continuation of one. Only whole
    lines of what a header may have are looked at."""
    longest = start + LONGEST_BLOCK
    if body_at > longest + 2:
        body_at = max(start, content.rfind(b"\r\n", start, longest))
    if not _FIRST_LINE.match(content, start, body_at):
        return start
    line = _NO_FIELD.search(content, start, body_at)
    return None if line is None else line.end()


def _superfluous(headers: Headers, without: Collection[bytes]) -> list[Field]:
    if not headers.has_any(without) and not _has_empty(headers):
        return []
    return [
        field
        for field in headers.fields
        if field.name in without
        or (field.name in NEEDS_A_VALUE and not _has_value(field.name, field.value))
    ]


def _has_empty(headers: Headers) -> bool:
    for name in NEEDS_A_VALUE:
        for value in headers.raw_values(name):
            if not _has_value(name, value):
                return True
    return False


def _has_value(name: bytes, value: bytes) -> bool:
    """True when more than brackets is left of a value without its comments."""
    if name == b"message-id" and _NO_LEFT_SIDE.match(value):
        return False
    rest = value.strip(_NOTHING)
    return bool(without_comments(rest).strip(_NOTHING) if rest.startswith(b"(") else rest)
