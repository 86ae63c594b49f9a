"""JSON in and out: parsing bounded in depth that refuses what no text can hold, rendering that is always ASCII."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

_ANYTHING = TypeAdapter[Any](Any)


def parse_json(text: bytes) -> Any:
    """The value of a JSON text; ValueError when it is none, nests deeper than 200 levels or holds lone surrogates."""
    return _ANYTHING.validate_json(text)


def render_json(value: Any) -> str:
    """Compact JSON in ASCII: no gateway can damage it on its way."""
    return json.dumps(value, separators=(",", ":"))
