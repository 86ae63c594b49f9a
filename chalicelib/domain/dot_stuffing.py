"""Transparency of DATA (RFC 5321 §4.5.2): a dot at the start of a line is doubled, and a lone dot
ends the message.

Works on the parts of a message as they lie, copying a part only when it needs a dot. A line starts
after CRLF only: content with bare CR or LF was refused or normalised when it was accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

_DOT = ord(".")


def stuff(parts: Sequence[bytes]) -> list[bytes]:
    """The parts with dots doubled, then the part that ends the message, with a CRLF before its dot
    if one is missing."""
    stuffed: list[bytes] = []
    tail = b"\r\n"
    for part in parts:
        if not part:
            continue
        rest = part
        if tail == b"\r\n" and part[0] == _DOT:
            stuffed.append(b".")
        elif tail[-1:] == b"\r" and part.startswith(b"\n."):
            stuffed.append(b"\n.")
            rest = part[1:]
        stuffed.append(rest.replace(b"\r\n.", b"\r\n..") if b"\r\n." in rest else rest)
        tail = (tail + part[-2:])[-2:]
    stuffed.append(b".\r\n" if tail == b"\r\n" else b"\r\n.\r\n")
    return stuffed
