"""Web addresses that may be replaced: absolute, `http` or `https`, made of nothing but the characters of URLs.

What is not plainly such an address is left alone: user names, letters outside ASCII, braces of placeholders that nobody
filled in, percent signs that start no escape, more than 2,000 octets. Nothing here says where an address stands in a
message, or whether anything answers there. RFC 3986; contract section 7.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_URL = 2_000

_URL = re.compile(
    rb"(?i:https?)://"
    rb"([A-Za-z0-9_.\-]+(?::[0-9]{0,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{0,5})?)"
    rb"(?:[/?#](?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]++|%[0-9A-Fa-f]{2})*)?"
)
_MARKED = re.compile(rb"(?i:https?(\+notrack))://")


class Occurrence(NamedTuple):
    """A link in the text of a part: `text[start:end]` is what can be replaced, `url` what it leads to, `host` its
    host in lower case, with the port when there is one.

    An empty `url` means a mark: `text[start:end]` is the `+notrack` of a link that is otherwise left alone. `break_at`
    is an offset before `start` where a line break changes nothing, -1 when there is none.
    """

    start: int
    end: int
    url: str = ""
    host: str = ""
    break_at: int = -1


def read_url(text: bytes) -> tuple[str, str] | None:
    """The address and its host when all of the text is an address that may be replaced."""
    if len(text) > LONGEST_URL:
        return None
    found = _URL.fullmatch(text)
    if found is None:
        return None
    return text.decode("ascii"), found[1].decode("ascii").lower()


def read_mark(text: bytes, start: int) -> Occurrence | None:
    """The `+notrack` in a scheme that begins at `start`."""
    found = _MARKED.match(text, start)
    return None if found is None else Occurrence(found.start(1), found.end(1))
