"""Changing places in the body of a part, in its own transfer encoding, and nothing else in it.

In 7bit, 8bit and binary the bytes are spliced. In quoted-printable the changed places are spliced into the encoded
text, and only their lines are broken anew (at most 76 characters, RFC 2045 §6.7). Base64 is encoded again as a whole,
which changes how it looks, not what it says. A body in another encoding, or in base64 with foreign characters, cannot
be changed. A line of at most 998 octets stays one (RFC 5322 §2.1.1): a place that would make it longer is put on a
line of its own where that changes nothing, or left as it was.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence

from chalicelib.domain.mail.splicing import Edit, spliced

LONGEST_LINE = 998
ENCODED_LINE = 76

_AS_IT_IS = ("7bit", "8bit", "binary")
_ILL_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r\n)")
_QUOTED = re.compile(rb"=(?:([0-9A-Fa-f]{2})|[ \t]*+(?:\r?\n|\Z))")


def read_body(raw: bytes, encoding: str) -> bytes | None:
    """A body with its transfer encoding undone, or None when it cannot be changed."""
    if encoding in _AS_IT_IS:
        return raw
    if encoding == "quoted-printable":
        if _ILL_QUOTED.search(raw) is None:
            return binascii.a2b_qp(raw)
        return _QUOTED.sub(_unquoted, raw)
    if encoding == "base64":
        try:
            return binascii.a2b_base64(raw.translate(None, b"\r\n\t "), strict_mode=True)
        except binascii.Error:
            return None
    return None


def changed_body(raw: bytes, encoding: str, text: bytes, edits: Sequence[Edit]) -> bytes:
    """The body with its edits, which are in order and do not overlap; what is new is ASCII without line ends. `text` is
    what `read_body` gave."""
    if encoding == "quoted-printable":
        return b"".join(_requoted(raw, edits))
    if encoding == "base64":
        changed = spliced(text, edits)
        return b"\r\n".join(_base64_lines(changed)) + raw[len(raw.rstrip()) :]
    return spliced(raw, _fitting(raw, edits))


def _base64_lines(data: bytes) -> Iterator[bytes]:
    encoded = binascii.b2a_base64(data, newline=False)
    for at in range(0, len(encoded), ENCODED_LINE):
        yield encoded[at : at + ENCODED_LINE]


def _fitting(raw: bytes, edits: Iterable[Edit]) -> Iterator[Edit]:
    """The edits that leave lines short enough, with line breaks where these help."""
    begin, end, grown, was_long = 0, -1, 0, False
    for edit in edits:
        if edit.start > end:
            begin = raw.rfind(b"\n", 0, edit.start) + 1
            end = raw.find(b"\n", edit.end)
            end = len(raw) if end < 0 else end
            grown, was_long = 0, end - begin > LONGEST_LINE + 1
        more = len(edit.new) - (edit.end - edit.start)
        if more > 0 and end - begin + grown + more > LONGEST_LINE:
            room_behind = was_long or end - edit.break_at + more <= LONGEST_LINE
            if edit.break_at > begin and room_behind:
                yield Edit(edit.break_at, edit.break_at, b"\r\n")
                begin, grown = edit.break_at, 0
            elif edit.start == edit.end == edit.break_at and more <= LONGEST_LINE:
                yield from _alone(edit, edit.start - begin + grown)
                begin, grown = edit.break_at, 0
                continue
            else:
                continue
        grown += more
        yield edit


def _alone(edit: Edit, column: int) -> Iterator[Edit]:
    """What is put in at a place for a break, with a break behind it, and before it when it is too long for its line."""
    before = b"\r\n" if column + len(edit.new) > LONGEST_LINE else b""
    yield Edit(edit.start, edit.end, before + edit.new + b"\r\n")


def _unquoted(quoted: re.Match[bytes]) -> bytes:
    return bytes([int(quoted[1], 16)]) if quoted[1] else b""


def _requoted(raw: bytes, edits: Sequence[Edit]) -> Iterator[bytes]:
    """Quoted-printable text with its edits, in pieces."""
    spans = _quoted_spans(raw, edits)
    at = column = 0
    for number, (edit, (start, end)) in enumerate(zip(edits, spans, strict=True)):
        before = raw[at:start]
        if edit.new and _column(column, before) >= ENCODED_LINE:
            before = _broken_early(
                before
            )  # it is the last line, and full: not even the break has room
        new = _broken(edit.new.replace(b"=", b"=3D"), _column(column, before))
        yield before
        yield new
        column = _column(_column(column, before), new)
        following = spans[number + 1][0] if number + 1 < len(spans) else len(raw)
        line_end = raw.find(b"\n", end, following)
        rest = (following if line_end < 0 else line_end) - end
        if column + rest >= ENCODED_LINE and raw[end : end + 1] != b"\r":
            yield b"=\r\n"
            column = 0
        at = end
    yield raw[at:]


def _column(column: int, piece: bytes) -> int:
    """The column behind a piece that begins at one."""
    line_end = piece.rfind(b"\n")
    return column + len(piece) if line_end < 0 else len(piece) - line_end - 1


def _broken(text: bytes, column: int) -> bytes:
    """Encoded text at a column, with soft line breaks where it needs some; no escape is cut, and no line begins with a
    hyphen, because it could be a boundary."""
    if not text or column + len(text) < ENCODED_LINE:
        return text
    lines = [b""] if column else []
    while len(text) >= ENCODED_LINE:
        cut = ENCODED_LINE - 1
        while cut > 3 and (text[cut : cut + 1] == b"-" or b"=" in text[cut - 2 : cut]):
            cut -= 1
        lines.append(text[:cut])
        text = text[cut:]
    return b"=\r\n".join([*lines, text])


def _broken_early(line: bytes) -> bytes:
    """Encoded text whose last line is full, with a soft line break before its last character but for hyphens."""
    cut, first = len(line) - 1, len(line) - ENCODED_LINE + 1
    while cut > first and (line[cut : cut + 1] == b"-" or b"=" in line[cut - 2 : cut]):
        cut -= 1
    return line[:cut] + b"=\r\n" + line[cut:]


def _quoted_spans(raw: bytes, edits: Iterable[Edit]) -> list[tuple[int, int]]:
    """Where the edits lie in the encoded text: from the first octet of their first character to the last of their
    last. Soft line breaks before and behind stay outside; an edit without length stands behind the character before
    it."""
    cursor = _Quoted(raw)
    spans = []
    for edit in edits:
        if edit.start == edit.end:
            at = cursor.span(edit.start - 1)[1] if edit.start else 0
            spans.append((at, at))
        else:
            start = cursor.span(edit.start)[0]
            spans.append((start, cursor.span(edit.end - 1)[1]))
    return spans


class _Quoted:
    """A walk along encoded text that finds the places of characters asked for in rising order."""

    def __init__(self, raw: bytes) -> None:
        self._size = len(raw)
        self._tokens = _QUOTED.finditer(raw)
        self._token = next(self._tokens, None)
        self._at = 0  # behind the last token passed, and how many characters are before it
        self._before = 0

    def span(self, index: int) -> tuple[int, int]:
        """Where the character with this index is encoded."""
        while True:
            token = self._token
            plain = (self._size if token is None else token.start()) - self._at
            if token is None or index < self._before + plain:
                start = self._at + index - self._before
                return start, start + 1
            width = 1 if token[1] else 0
            if index < self._before + plain + width:
                return token.span()
            self._before += plain + width
            self._at = token.end()
            self._token = next(self._tokens, None)
