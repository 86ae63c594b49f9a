"""What a sign-in or a confirmation asks for, as it lies in a cookie until the next page: ticket, ways, challenge.

Browsers keep no cookie above 4,096 bytes. It is packed, and of very many passkeys the last are left out.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

LONGEST = 3_800
MOST_READ = 65_536
_KEPT = ("ticket", "methods", "challenge")


def packed(told: Mapping[str, Any]) -> str:
    """What a problem asks for, as a cookie holds it."""
    kept = {name: told.get(name) for name in _KEPT}
    text = _text(kept)
    while len(text) > LONGEST and (challenge := kept["challenge"]):
        fewer = challenge.get("allowCredentials", [])[:-1]
        kept["challenge"] = {**challenge, "allowCredentials": fewer} if fewer else None
        text = _text(kept)
    return text


def unpacked(text: str) -> dict[str, Any]:
    """What a cookie holds; empty for what we did not write."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = json.loads(zlib.decompressobj().decompress(octets, MOST_READ))
    except (ValueError, RecursionError, zlib.error):
        return {}
    return found if isinstance(found, dict) and _is_ours(found) else {}


def _is_ours(found: Mapping[str, Any]) -> bool:
    methods, challenge = found.get("methods"), found.get("challenge")
    is_listed = isinstance(methods, list) and all(isinstance(one, str) for one in methods)
    return is_listed and isinstance(found.get("ticket"), str) and isinstance(challenge, dict | None)


def _text(kept: Mapping[str, Any]) -> str:
    octets = zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
