"""The few places where submitted bytes are changed: what other servers would read in another way, or not take.

A message that has none of them stays the very same object. Each change is a splice, and nothing else is touched:

* An mbox line (`From …`, `>From …`) in front of the header gets a name, `X-Mailbox-Line:`, as Postfix does it.
* The header ends before a line that is neither a field nor the continuation of one, by an empty line put there
  (RFC 6409 §8): what follows is body to some verifiers and header to others, and then no signature holds.
* Message-ID and Date fields without a value are taken out, so that they count as missing (RFC 5322 §3.6, RFC 6409 §8).
* Fields that the caller names are taken out.

Content has CRLF lines. It is not looked into parts, and no value is judged but for being there. Linear.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from chalicelib.domain.headers import Field, Headers, read_headers

NEEDS_A_VALUE = (b"message-id", b"date")

_MAILBOX_LINE = re.compile(rb">*+From (?![ \t]*+:)")
_LINE_OF_HEADER = rb"[!-9;-~]++[ \t]*+:|[ \t]|\r\n|\Z"
_FIRST_LINE = re.compile(_LINE_OF_HEADER)
_NO_FIELD = re.compile(rb"\r\n(?!" + _LINE_OF_HEADER + rb")")
_COMMENT_MARK = re.compile(rb"\\.|[()]|[^\\()]++", re.DOTALL)
_NOTHING = b"<>@ \t\r\n"


def mended(content: bytes, without: Collection[bytes] = ()) -> tuple[bytes, Headers]:
    """The message as it is stored, signed and sent, and its header; `without` are lower-case names of fields."""
    content = _with_mailbox_lines_named(content)
    headers = read_headers(content)
    if (end := _end_of_fields(content, headers.body_at)) is not None:
        content = b"".join([content[:end], b"\r\n", content[end:]])
        headers = read_headers(content)
    superfluous = list(_superfluous(headers, without))
    if not superfluous:
        return content, headers
    pieces, at = [], 0
    for field in superfluous:
        pieces.append(content[at : field.start])
        at = field.end
    content = b"".join([*pieces, content[at:]])
    return content, read_headers(content)


def _with_mailbox_lines_named(content: bytes) -> bytes:
    pieces, at = [], 0
    while _MAILBOX_LINE.match(content, at):
        line_end = content.find(b"\r\n", at)
        end = len(content) if line_end < 0 else line_end + 2
        pieces += [b"X-Mailbox-Line: ", content[at:end]]
        at = end
    return b"".join([*pieces, content[at:]]) if pieces else content


def _end_of_fields(content: bytes, body_at: int) -> int | None:
    """The offset of the first line before the body that is neither a field nor a continuation."""
    if not _FIRST_LINE.match(content):
        return 0
    line = _NO_FIELD.search(content, 0, body_at)
    return None if line is None else line.end()


def _superfluous(headers: Headers, without: Collection[bytes]) -> Iterator[Field]:
    names = {name for name in without if headers.count(name)}
    empty = {name for name in NEEDS_A_VALUE if not all(map(_has_value, headers.raw_values(name)))}
    if names or empty:
        for field in headers.fields:
            if field.name in names or (field.name in empty and not _has_value(field.value)):
                yield field


def _has_value(value: bytes) -> bool:
    """True when more than brackets is left of a value without its comments."""
    rest = value.strip(_NOTHING)
    if not rest.startswith(b"("):
        return bool(rest)
    depth = 0
    for mark in _COMMENT_MARK.finditer(rest):
        if mark[0] in (b"(", b")"):
            depth = max(0, depth + (1 if mark[0] == b"(" else -1))
        elif depth == 0 and mark[0].strip(_NOTHING):
            return True
    return False
