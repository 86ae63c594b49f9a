"""The fields of a message by which a client says how it is to be sent (api.md 2.15).

They are for us alone, so that they are taken out of the message before it is stored: by splicing, and nothing else in
it changes. A message that has none of them stays the very same object, after one look at the names of its fields.
`X-Posthorn-Track` is none of them, and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import LONGEST_TEXT, Field, Headers, read_headers
from chalicelib.domain.mail.splicing import Edit, spliced

STREAM = b"x-posthorn-stream"
METADATA = b"x-posthorn-metadata"
SCHEDULE = b"x-posthorn-schedule"
UNSUBSCRIBE = b"x-posthorn-unsubscribe"
IDEMPOTENCY_KEY = b"x-posthorn-idempotency-key"
OPTION_FIELDS = (STREAM, METADATA, SCHEDULE, UNSUBSCRIBE, IDEMPOTENCY_KEY)


class OptionField(NamedTuple):
    """A field as it stood: its name as it was written, and its decoded value. `fault` is what is wrong with it
    whatever the value is, or empty."""

    name: str
    text: str
    fault: str = ""


NONE: Mapping[bytes, OptionField] = {}


def taken_out(
    content: bytes, headers: Headers
) -> tuple[bytes, Headers, Mapping[bytes, OptionField]]:
    """The message without these fields, its header, and what they said by their lower-case names."""
    if not headers.has_any(OPTION_FIELDS):
        return content, headers, NONE
    ours = [field for field in headers.fields if field.name in OPTION_FIELDS]
    found: dict[bytes, OptionField] = {}
    for field in ours:
        read = _read(content, field)
        if field.name in found:
            read = read._replace(fault="is given more than once")
        found[field.name] = read
    content = spliced(content, (Edit(field.start, field.end, b"") for field in ours))
    return content, read_headers(content), found


def _read(content: bytes, field: Field) -> OptionField:
    name = content[field.start : field.start + len(field.name)].decode("ascii")
    if len(field.value) > LONGEST_TEXT:
        return OptionField(name, "", "is too long")
    return OptionField(name, decode_header(field.value).strip())
