"""An 8-bit message as a 7-bit one, for a server that does not offer 8BITMIME (RFC 6152 §3).

Each part with 8-bit bytes gets a transfer encoding, quoted-printable or base64; its Content-Transfer-Encoding and that
of the multiparts around it are set right, and a message that never said that it is MIME says so. Everything else stays
byte for byte, and every part decodes to what it was. A message cannot be converted when a signature of somebody else's
would break (DKIM, DomainKeys, ARC, multipart/signed), when an attached message would have to be changed, when 8-bit
bytes stand outside the parts (in a field, say), or when a part is encoded already and yet 8-bit. Linear; `mime` bounds
how many parts are looked at, and what lies beyond makes the message one that cannot be converted.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from chalicelib.domain.mail.headers import Headers, read_headers
from chalicelib.domain.mail.mime import Part, read_encoding, read_parts
from chalicelib.domain.mail.quoted_printable import quoted_printable
from chalicelib.domain.mail.splicing import Edit, spliced

_ENCODING = b"content-transfer-encoding"
_UNENCODED = ("", "7bit", "8bit", "binary")
_WIDE = ("8bit", "binary")
# What quoted-printable leaves as it is, but at the end of a line.
_PLAIN = bytes({*range(32, 127), 9, 10, 13} - {ord("=")})
_CHANGED_DASHES = re.compile(rb"\n--[^\n=]*+=")
_SIGNATURES = (
    b"dkim-signature",
    b"domainkey-signature",
    b"arc-message-signature",
    b"arc-seal",
)
_BLOCK = 57 * 4_096


def seven_bit(content: bytes) -> bytes | None:
    """The message in ASCII, to be signed and sent instead; None when it cannot be converted. CRLF lines."""
    if content.isascii():
        return content
    headers = read_headers(content)
    if any(map(headers.count, _SIGNATURES)):
        return None
    parts = read_parts(content, headers)
    wide = [part for part in parts if not content[part.start : part.end].isascii()]
    if not all(map(_can_be_encoded, wide)):
        return None
    edits = [*_mime_fields(content, headers)]
    for part in wide:
        edits += _encoded(content, part)
    for head, start in dict.fromkeys(
        (each.head, each.start) for part in parts for each in part.within
    ):
        edits += _narrowed(read_headers(content, head, start))
    converted = spliced(content, sorted(edits, key=lambda edit: edit.start))
    return converted if converted.isascii() else None


def _can_be_encoded(part: Part) -> bool:
    composite = part.content_type.startswith(("message/", "multipart/"))
    signed = any(each.content_type == "multipart/signed" for each in part.within)
    return part.encoding in _UNENCODED and not composite and not signed


def _mime_fields(content: bytes, headers: Headers) -> Iterator[Edit]:
    """What a message lacks to be MIME; an unnamed character set is UTF-8 or unknown (RFC 1428 §3)."""
    end = headers.body_at - 2
    if not headers.count(b"mime-version"):
        yield Edit(end, end, b"MIME-Version: 1.0\r\n")
    if not headers.count(b"content-type"):
        charset = b"utf-8" if _is_utf8(content[headers.body_at :]) else b"unknown-8bit"
        yield Edit(end, end, b"Content-Type: text/plain; charset=%s\r\n" % charset)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoded(content: bytes, part: Part) -> Iterator[Edit]:
    name, body = _encode(content[part.start : part.end], part.content_type.startswith("text/"))
    field = b"Content-Transfer-Encoding: %s\r\n" % name
    given = [
        each
        for each in read_headers(content, part.head, part.start).fields
        if each.name == _ENCODING
    ]
    for each in given:
        yield Edit(each.start, each.end, b"" if each is not given[0] else field)
    if not given:
        yield Edit(part.start - 2, part.start - 2, field)
    yield Edit(part.start, part.end, body)


def _encode(body: bytes, is_text: bool) -> tuple[bytes, bytes]:
    """Transfer encoding and encoded body: quoted-printable for a text that grows by less than a third so and has no
    line that would be too long, base64 for all else."""
    if is_text and len(body.translate(None, _PLAIN)) * 7 <= len(body):
        plain = body.replace(b"\r\n", b"\n")
        quoted = quoted_printable(plain)
        if quoted is not None and not plain.startswith(b"--") and _has_same_dashes(plain, quoted):
            return b"quoted-printable", quoted.replace(b"\n", b"\r\n")
    return b"base64", b"\r\n".join(_base64_blocks(body))


def _has_same_dashes(plain: bytes, quoted: bytes) -> bool:
    """Whether no line that begins with two dashes is new, or was another: it could be a boundary."""
    return quoted.count(b"\n--") == plain.count(b"\n--") and not _CHANGED_DASHES.search(quoted)


def _base64_blocks(body: bytes) -> Iterator[bytes]:
    """The lines by the thousand, so that they are never in memory one by one."""
    for start in range(0, len(body), _BLOCK):
        lines = base64.encodebytes(body[start : start + _BLOCK])
        yield lines.removesuffix(b"\n").replace(b"\n", b"\r\n")


def _narrowed(headers: Headers) -> Iterator[Edit]:
    """The fields by which a multipart says that it is 8-bit, saying 7bit."""
    for field in headers.fields:
        if field.name == _ENCODING and read_encoding(field.value) in _WIDE:
            yield Edit(field.start, field.end, b"Content-Transfer-Encoding: 7bit\r\n")
