"""What a web form sent, in either of its two encodings (WHATWG URL, RFC 7578): small fields of text alone.

Linear, and bounded by `LARGEST_FORM`: what is larger, and what cannot be read, has no fields. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

LARGEST_FORM = 16_384
MOST_FIELDS = 20
LONGEST_HEAD = 1_000  # of a part, that is looked at
_MULTIPART = "multipart/form-data"
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"\\]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb'(?i:content-disposition)[ \t]*:[^\r\n]*?;[ \t]*name="([^"\r\n]{0,100})"')


def read_form(content_type: str, body: bytes) -> Mapping[str, str]:
    """The fields by name, of one that is repeated the first."""
    found: dict[str, str] = {}
    if len(body) <= LARGEST_FORM:
        for name, value in read_fields(content_type, body):
            found.setdefault(name, value)
    return found


def read_fields(
    content_type: str, body: bytes, most: int = MOST_FIELDS
) -> Iterator[tuple[str, str]]:
    """Names and values in their order, at most so many; whoever asks has bounded the body."""
    if content_type.partition(";")[0].strip().lower() == _MULTIPART:
        yield from _parts(content_type, body, most)
        return
    try:
        yield from parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=most
        )
    except ValueError:
        return


def _parts(content_type: str, body: bytes, most: int) -> Iterator[tuple[str, str]]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return
    mark = b"\r\n--" + (boundary[1] or boundary[2]).encode("utf-8", "replace")
    # Before the first mark stands what nobody reads, and behind the last `--`.
    parts = (b"\r\n" + body).split(mark, most + 1)
    for part in parts[1 : most + 1]:
        head, blank, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head[:LONGEST_HEAD]) if blank else None
        if name is not None:
            yield name[1].decode("utf-8", "replace"), value.decode("utf-8", "replace")
