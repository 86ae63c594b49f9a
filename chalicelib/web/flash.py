"""What the page after a form says of what was done: kept in a cookie of the browser until that page is shown.

The cookie holds a sentence of ours and perhaps what undoes it; it is only ever shown to the browser that has it,
escaped as all text is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SECONDS = 60
LONGEST = 1_500
LONGEST_COOKIE = 3_800  # browsers keep none above 4,096 bytes
LONGEST_ALONE = 450  # characters that fit, whatever they are


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence, its tone (`good`, `late`, `bad`), and the form that undoes what was done: its path and fields."""

    text: str
    tone: str = "good"
    undo: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def written(flash: Flash) -> str:
    """As a cookie holds it; of what is longer than browsers keep, the beginning alone, without what undoes it."""
    text = _text([flash.text[:LONGEST], flash.tone, flash.undo, flash.fields])
    if len(text) <= LONGEST_COOKIE:
        return text
    return _text([flash.text[:LONGEST_ALONE], flash.tone, "", ()])


def read(text: str) -> Flash | None:
    """What a cookie holds; None for what we did not write."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        said, tone, undo, fields = json.loads(octets)
        pairs = tuple((str(name), str(value)) for name, value in fields)
    except (ValueError, TypeError, RecursionError):
        return None
    is_ours = isinstance(said, str) and tone in ("good", "late", "bad") and isinstance(undo, str)
    return Flash(said[:LONGEST], tone, undo, pairs) if is_ours else None


def _text(told: Sequence[Any]) -> str:
    octets = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
