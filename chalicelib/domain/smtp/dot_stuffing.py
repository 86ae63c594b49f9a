"""Transparency of DATA (RFC 5321 §4.5.2): a dot at the start of a line is doubled, and a lone dot
ends the message.

Works on the parts of a message as they lie, copying a part only when it needs a dot; a message at
length is cut into pieces as they are asked for, so that no more than one piece of it is ever copied.
A line starts after CRLF only: content with bare CR or LF was refused or normalised when it was
accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

_DOT = ord(".")


def stuff(parts: Sequence[bytes]) -> list[bytes]:
    """The parts with dots doubled, then the part that ends the message, with a CRLF before its dot
    if one is missing."""
    return list(_stuffed(parts))


def stuff_in_pieces(parts: Sequence[bytes], size: int) -> Iterator[bytes]:
    """What `stuff` gives, each piece made when it is asked for, of at most `size` octets before dots
    are doubled. The last is the part that ends the message."""
    return _stuffed(_cut(parts, size))


def _cut(parts: Sequence[bytes], size: int) -> Iterator[bytes]:
    for part in parts:
        if len(part) <= size:
            yield part
        else:
            yield from (part[start : start + size] for start in range(0, len(part), size))


def _stuffed(parts: Iterable[bytes]) -> Iterator[bytes]:
    tail = b"\r\n"
    for part in parts:
        if not part:
            continue
        rest = part
        if tail == b"\r\n" and part[0] == _DOT:
            yield b"."
        elif tail[-1:] == b"\r" and part.startswith(b"\n."):
            yield b"\n."
            rest = part[1:]
        yield rest.replace(b"\r\n.", b"\r\n..") if b"\r\n." in rest else rest
        tail = (tail + part[-2:])[-2:]
    yield b".\r\n" if tail == b"\r\n" else b"\r\n.\r\n"
