"""Line ends of mail content: whether every one is CRLF, and how to make it so.

Linear, and copies nothing when there is nothing to change. RFC 5321 §2.3.8.
"""

from __future__ import annotations

import re

# Each pattern begins with the character itself, which `re` finds without trying every offset.
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"\n(?<!\r\n)")


def has_bare_newline(content: bytes) -> bool:
    """True when a CR or LF stands outside a CRLF: what message smuggling is made of."""
    return _BARE_CR.search(content) is not None or _BARE_LF.search(content) is not None


def normalise_newlines(content: bytes) -> bytes:
    """The content with every CRLF, bare CR and bare LF as one CRLF."""
    if not has_bare_newline(content):
        return content
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
