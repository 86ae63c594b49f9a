"""A message as the bytes it is: header fields, MIME parts and newlines, by offset, never rebuilt.

This is the one place to import from; what it offers lives in `headers`, `encoded_words`, `mime` and `newlines`. Nothing
here changes a message except `normalise_newlines`, which says so. RFC 5322, 2045–2047, 2231.
"""

from __future__ import annotations

from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import Field, Headers, read_headers
from chalicelib.domain.mail.mime import (
    Part,
    bodies_and_attachments,
    decode_part,
    find_bodies,
    part_text,
    read_parts,
)
from chalicelib.domain.mail.newlines import has_bare_newline, has_nul, normalise_newlines

__all__ = [
    "Field",
    "Headers",
    "Part",
    "bodies_and_attachments",
    "decode_header",
    "decode_part",
    "find_bodies",
    "has_bare_newline",
    "has_nul",
    "normalise_newlines",
    "part_text",
    "read_headers",
    "read_parts",
]
