"""Tag lists, `a=b; c=d`, as DKIM and ARC fields and key records have them (RFC 6376 §3.2).

A list that breaks the grammar, or has a tag twice, is none at all. Linear, for any text.
"""

from __future__ import annotations

import base64
import binascii
import re

LONGEST = 65_536
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHITE = " \t\r\n"
_WHITE_SPACE = re.compile(r"[ \t\r\n]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_NO_WHITE = str.maketrans("", "", _WHITE)
_SIGNATURE = re.compile(rb"(?:^|(?<=;))([ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")


def read_tags(text: str) -> dict[str, str] | None:
    """The tags with their values, folds as one space. None for what is no tag list."""
    if len(text) > LONGEST:
        return None
    specs = text.split(";")
    if not specs[-1].strip(_WHITE):
        specs.pop()
    found: dict[str, str] = {}
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_WHITE)
        value = value.strip(_WHITE)
        # Most values have neither folds nor runs of spaces: to see that costs less than a pattern does.
        if "  " in value or not value.isprintable():
            value = _WHITE_SPACE.sub(" ", value)
            if _UNPRINTABLE.search(value):
                return None
        if not equals or not _NAME.fullmatch(name) or name in found:
            return None
        found[name] = value
    return found or None


def read_field(value: bytes) -> dict[str, str] | None:
    """As `read_tags`, of the raw value of a field."""
    try:
        return read_tags(value.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def words(value: str) -> list[str]:
    """A value that is a list apart by colons, without white space."""
    return value.translate(_NO_WHITE).split(":")


def read_base64(value: str) -> bytes | None:
    """The octets of a base64 value, which may be folded anywhere; None for an empty or broken one."""
    text = value.translate(_NO_WHITE)
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def without_signature(value: bytes) -> bytes:
    """A raw value with nothing in its `b=` (RFC 6376 §3.7)."""
    found = _SIGNATURE.search(value)
    return value if found is None else value[: found.end(1)] + value[found.end() :]
