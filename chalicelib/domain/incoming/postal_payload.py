"""What an HTTP endpoint gets in the formats `Hash` and `RawMessage`, to the letter of contract section 5A.

Keys and their order, types, null against absent and the line breaks of base64 are what existing receivers rely on.
Nothing here is bounded but by the size of the message.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.mail.charsets import labelled_text
from chalicelib.domain.mail.encoded_words import clean, decode_eight_bit, decode_header
from chalicelib.domain.mail.headers import Headers, read_headers, unfold
from chalicelib.domain.mail.mime import Part, decode_part, find_bodies, mime_base64
from chalicelib.domain.mail.replies import split_reply
from chalicelib.domain.model import MessageRecord

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"

MOST_ENCODED = 128 * 1024
_OF_ADDRESSES = frozenset({"to", "cc", "from", "reply-to"})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\n]*+")
_LONG = 65_536
_SAFE = re.compile(rb"[A-Za-z0-9*._ -]*+")
_UNSAFE = re.compile(rb"[^A-Za-z0-9*._ -]++")
# A display name without quotes: words of RFC 5322 §3.2.3, dots too.
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~. -]*")
_MARKS = re.compile(rb'("(?>[^"\\]+|\\.)*+"?|[<>,;:])', re.DOTALL)

Payload = dict[str, Any]


def hash_payload(
    record: MessageRecord, content: bytes, *, strip_replies: bool, attachments: bool, flat: bool
) -> Payload:
    """The format `Hash`; `flat` gives attachments as a form has them, each value under a name of its own."""
    fields = _Fields(read_headers(content))
    plain, html, parts = find_bodies(content)
    text = _text(content, plain)
    message = record.message
    status = record.inspection.spam.status if record.inspection else SpamStatus.NOT_CHECKED
    payload: Payload = {
        "id": message.id,
        "rcpt_to": message.rcpt_to,
        "mail_from": message.mail_from or None,
        "token": message.token,
        "subject": message.subject or None,
        "message_id": message.message_id or None,
        "timestamp": float(message.received_at),
        "size": str(message.size),
        "spam_status": status.value,
        "bounce": message.bounce,
        "received_with_ssl": message.received_with_ssl,
        "to": fields.last("to"),
        "cc": fields.last("cc"),
        "from": fields.last("from"),
        "date": fields.last("date"),
        "in_reply_to": fields.last("in-reply-to"),
        "references": fields.last("references"),
        "html_body": _text(content, html),
        "attachment_quantity": len(parts),
        "auto_submitted": fields.last("auto-submitted"),
        "reply_to": fields.all("reply-to") or None,
    }
    if strip_replies:
        payload["plain_body"], payload["replies_from_plain_body"] = split_reply(text or "")
    else:
        payload["plain_body"] = text
    if attachments and flat:
        payload |= _flat(content, parts)
    elif attachments:
        payload["attachments"] = [_attachment(content, part) for part in parts]
    return payload


def raw_payload(record: MessageRecord, content: bytes) -> Payload:
    """The format `RawMessage`."""
    message = record.message
    return {
        "id": message.id,
        "rcpt_to": message.rcpt_to,
        "mail_from": message.mail_from or None,
        "message": mime_base64(content),
        "base64": True,
        "size": message.size,
    }


def json_body(payload: Mapping[str, Any]) -> bytes:
    """A payload as the body of a request."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def form_body(payload: Mapping[str, Any]) -> bytes:
    """A payload as a form: null is a key without a value, a list a key for each of its values."""
    return b"&".join(
        _escaped(name) if value is None else _escaped(name) + b"=" + _escaped(_form_text(value))
        for name, values in payload.items()
        for value in (values if isinstance(values, list) else (values,))
    )


def _form_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(text: str) -> bytes:
    """As forms are written: `*-._`, letters and digits stay, a blank becomes a plus sign."""
    octets = text.encode()
    if len(octets) > _LONG and _BASE64.fullmatch(octets):
        # One sign after the other, because a substitution for each place takes ten times the memory of the message.
        for sign in b"+/=\n":
            octets = octets.replace(bytes([sign]), b"%%%02X" % sign)
        return octets
    if _SAFE.fullmatch(octets):
        return octets.replace(b" ", b"+")
    if _UNSAFE.fullmatch(octets):
        return b"%" + octets.hex("%").upper().encode("ascii")
    # A piece at a time: a text of its form for each pair takes many times the memory of the octets.
    forms, pairs = _forms(), memoryview(octets)[: len(octets) & ~1].cast("H")
    pieces = [
        "".join(map(forms.__getitem__, pairs[at : at + _LONG])).encode("ascii")
        for at in range(0, len(pairs), _LONG)
    ]
    last = octets[len(octets) & ~1 :]
    return b"".join([*pieces, *map(_form, last)])


def _form(octet: int) -> bytes:
    one = bytes([octet])
    return one.replace(b" ", b"+") if _SAFE.fullmatch(one) else b"%%%02X" % octet


@cache
def _forms() -> tuple[str, ...]:
    """How each two octets are written, by the number that they are in memory: two at a time take half the time."""
    forms = [_form(octet).decode("ascii") for octet in range(256)]
    pairs = (pair.to_bytes(2, sys.byteorder) for pair in range(1 << 16))
    return tuple(forms[first] + forms[second] for first, second in pairs)


def _text(content: bytes, part: Part | None) -> str | None:
    if part is None:
        return None
    text = labelled_text(decode_part(content, part), part.params.get("charset", ""))
    return text.replace("\r\n", "\n")


def _attachment(content: bytes, part: Part) -> Payload:
    data = decode_part(content, part)
    return {
        "filename": part.filename,
        "content_type": part.content_type,
        "size": len(data),
        "data": mime_base64(data),
    }


def _flat(content: bytes, parts: Sequence[Part]) -> Payload:
    found: Payload = {}
    for at, part in enumerate(parts):
        shown = _attachment(content, part) | {"content_type": _with_parameters(part)}
        found |= {f"attachments[{at}][{name}]": value for name, value in shown.items()}
    return found


def _with_parameters(part: Part) -> str:
    """Type and parameters, with quotes where a token needs some."""
    return "; ".join(
        (part.content_type, *(f"{name}={_quoted(text)}" for name, text in part.params.items()))
    )


def _quoted(text: str) -> str:
    if _TOKEN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Fields:
    """The decoded values of a header. Of those with encoded words, which cost a hundred times what others do, the first
    MOST_ENCODED octets are decoded; the others are shown as they stand."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._left = MOST_ENCODED

    def last(self, name: str) -> str | None:
        """That of the last field of this name."""
        values = self._headers.raw_values(name.encode())
        return self._decoded(name, values[-1]) if values else None

    def all(self, name: str) -> list[str]:
        """Those of all fields of this name."""
        return [self._decoded(name, value) for value in self._headers.raw_values(name.encode())]

    def _decoded(self, name: str, value: bytes) -> str:
        if b"=?" in value:
            if len(value) > self._left:
                return clean(decode_eight_bit(unfold(value)))
            self._left -= len(value)
        return _address_text(value) if name in _OF_ADDRESSES else decode_header(value)


def _address_text(value: bytes) -> str:
    """An address field decoded; a display name that is no word of ASCII then is put in quotes."""
    if b"=?" not in value:
        return decode_header(value)
    return clean("".join(_decoded_pieces(unfold(value))))


def _decoded_pieces(value: bytes) -> Iterator[str]:
    pieces = _MARKS.split(value)
    for at, piece in enumerate(pieces):
        if b"=?" not in piece or piece.startswith(b'"'):
            yield decode_eight_bit(piece)
            continue
        name = decode_header(piece)
        ends_in_angle = at + 1 < len(pieces) and pieces[at + 1] == b"<"
        if ends_in_angle and not _PHRASE.fullmatch(name):
            name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        before = " " if piece[:1] in b" \t" and at else ""
        yield f"{before}{name}{' ' if ends_in_angle else ''}"
