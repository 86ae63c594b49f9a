"""The short names of organizations and servers: how they are made from what people type, and what they may be.

Permalinks are lower-case letters, digits and hyphens (contract sections 1.1 and 1.3); they stand in URLs and SMTP user
names. Whether one is free is for the store to say: this module only proposes.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

LONGEST = 50
ORGANIZATION_RESERVED = frozenset(
    ["new", "edit", "remove", "delete", "destroy", "admin", "mail", "org", "server"]
)
SERVER_RESERVED = frozenset(
    ["new", "all", "search", "stats", "edit", "manage", "delete", "destroy", "remove"]
)

_PERMALINK = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_OTHER = re.compile(r"[^a-z0-9]+")
_TOKENS = 26**6
# Coprime to 26**6 (odd and no multiple of 13), so that the map below never gives two servers one token.
_STRIDE = 190_771_567
_START = 77_232_917


def permalink_of(name: str) -> str:
    """The permalink a name suggests: "Acme & Söhne" gives "acme-sohne"; empty when no letter or digit is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-")[:LONGEST].rstrip("-")


def is_permalink(text: str, reserved: frozenset[str]) -> bool:
    """True for 1 to 50 of `a-z 0-9 -` with no hyphen at either end, and not a reserved word."""
    return _PERMALINK.fullmatch(text) is not None and text not in reserved


def candidates(base: str, reserved: frozenset[str]) -> Iterator[str]:
    """`base`, `base-2`, `base-3` … without the reserved words, each within the length limit. Never ends."""
    if is_permalink(base, reserved):
        yield base
    number = 2
    while True:
        suffix = f"-{number}"
        yield base[: LONGEST - len(suffix)].rstrip("-") + suffix
        number += 1


def server_token(number: int) -> str:
    """The six lower-case letters of the server with this number (contract section 1.3).

    Each number below 26**6 has letters of its own, so no look-up is needed to keep them unique. They are no secret.
    """
    left = (number * _STRIDE + _START) % _TOKENS
    letters = []
    for _ in range(6):
        left, digit = divmod(left, 26)
        letters.append(string.ascii_lowercase[digit])
    return "".join(letters)
