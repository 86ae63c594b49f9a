"""JSON in and out: parsing bounded in depth that refuses what no text can hold, rendering that is always ASCII."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

# Lambda hands over at most 6 MiB of JSON, in which the body is one string; the rest is for headers.
LARGEST_STRING = 6_000_000
_LONGEST_ESCAPE = 6


def parse_json(text: bytes) -> Any:
    """The value of a JSON text (RFC 8259). ValueError, and nothing else, when it is none: what is outside the grammar
    such as NaN, nesting of more than 200 levels, lone surrogates, integers of more than 4,300 digits."""
    return from_json(text, allow_inf_nan=False)


def render_json(value: Any) -> str:
    """Compact JSON in ASCII: no gateway can damage it on its way."""
    return json.dumps(value, separators=(",", ":"))


def fits_an_answer(body: str) -> bool:
    """True when Lambda can hand over this body, which it escapes once more."""
    if len(body) * _LONGEST_ESCAPE <= LARGEST_STRING:
        return True
    return len(json.dumps(body)) <= LARGEST_STRING
