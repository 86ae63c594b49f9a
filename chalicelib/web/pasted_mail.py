"""What a message says that somebody pasted, as far as routes look at it: sender, subject and fields of its header.

Pure and linear. Nothing is decoded but what stands there as it is; what is no field is stepped over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

LOOKED_AT = 65_536  # characters
MOST_FIELDS = 100
LONGEST = 900
_FIELD = re.compile(r"([!-9;-~]{1,76}):[ \t]?(.*)", re.DOTALL)
_ADDRESS = re.compile(r"<([^<>\s]{1,320})>|([^\s<>,;]{1,64}@[^\s<>,;]{1,255})")


@dataclass(frozen=True, slots=True)
class Pasted:
    """`sender` is the address in Return-Path or else From, empty where there is none."""

    sender: str
    subject: str
    headers: Mapping[str, str]


def pasted(text: str) -> Pasted:
    """The header of a message, each field once: the first of its name."""
    found: dict[str, str] = {}
    for field in _fields(text[:LOOKED_AT]):
        match = _FIELD.fullmatch(field)
        if match and len(found) < MOST_FIELDS and match[1].lower() not in found:
            found[match[1].lower()] = _plain(match[2])
    named = found.get("return-path") or found.get("from", "")
    address = _ADDRESS.search(named)
    sender = (address[1] or address[2]) if address else ""
    subject = found.pop("subject", "")
    return Pasted(sender, subject, {name: one for name, one in found.items() if one})


def _fields(text: str) -> list[str]:
    """Each with its folded lines as one, up to the empty line."""
    lines: list[list[str]] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n").split("\n"):
        if not line:
            break
        if line[0] in " \t" and lines:
            lines[-1].append(line)
        else:
            lines.append([line])
    return ["".join(one) for one in lines]


def _plain(value: str) -> str:
    """Words as people read them, on one line without controls."""
    cut = value[:LONGEST]
    try:
        read = str(make_header(decode_header(cut)))
    except (HeaderParseError, LookupError, ValueError):
        read = cut
    return " ".join("".join(one if one.isprintable() else " " for one in read).split())[:LONGEST]
