"""JSON in and out: parsing bounded in depth that refuses what no text can hold, rendering that is always ASCII."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import TypeAdapter

# Lambda hands over at most 6 MiB of JSON, in which the body is one string; the rest is for headers.
LARGEST_STRING = 6_000_000
_LONGEST_ESCAPE = 6
_ANYTHING = TypeAdapter[Any](Any)
_NO_NUMBER = re.compile(rb"NaN|Infinity")


def parse_json(text: bytes) -> Any:
    """The value of a JSON text; ValueError when it is none, nests deeper than 200 levels or holds lone surrogates."""
    if (
        _NO_NUMBER.search(text) is not None
    ):  # pydantic reads what JSON (RFC 8259 section 6) does not have
        json.loads(text, parse_constant=_refuse)
    return _ANYTHING.validate_json(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def render_json(value: Any) -> str:
    """Compact JSON in ASCII: no gateway can damage it on its way."""
    return json.dumps(value, separators=(",", ":"))


def fits_an_answer(body: str) -> bool:
    """True when Lambda can hand over this body, which it escapes once more."""
    if len(body) * _LONGEST_ESCAPE <= LARGEST_STRING:
        return True
    return len(json.dumps(body)) <= LARGEST_STRING
