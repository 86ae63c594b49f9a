"""Bodies as octets, bounded: while one is too long, its longest texts are cut."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.events.event import LONGEST_BODY
from chalicelib.domain.events.objects import cut

# Octets that a text may have, from try to try; what is left by the last is a number of members that no event has.
_LONGEST_TEXTS = (2_000, 1_000, 500, 250, 100, 30)


def fitted(body: dict[str, Any]) -> bytes:
    """The body as compact JSON, at most LONGEST_BODY octets long."""
    octets = _octets(body)
    value: Any = body
    for longest in _LONGEST_TEXTS:
        if len(octets) <= LONGEST_BODY:
            break
        value = _cut(value, longest)
        octets = _octets(value)
    return octets


def _octets(value: Any) -> bytes:
    # A text that was made of octets may hold what is no character.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return cut(value, longest)
    if isinstance(value, dict):
        return {name: _cut(one, longest) for name, one in value.items()}
    if isinstance(value, list):
        return [_cut(one, longest) for one in value]
    return value
