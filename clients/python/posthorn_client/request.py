"""One request as an operation describes it, and how it is written down for a transport."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

_WORD = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the API. Parameters of the query that are None are left out, and so is the tenant.

    `can_repeat` says that the API takes an Idempotency-Key; without one of the caller's the client makes it.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    tenant: str | None = None
    can_repeat: bool = False
    idempotency_key: str | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        given = {name: _text(one) for name, one in self.query.items() if one is not None}
        return f"{self.path}?{urlencode(given)}" if given else self.path

    @property
    def content(self) -> bytes | None:
        """The body as JSON; None without one."""
        if self.body is None:
            return None
        return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()


def part(value: str | int) -> str:
    """A variable part of a path. ValueError for what would be another path."""
    text = str(value)
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} names nothing")
    return quote(text, safe="")


def word(value: str, what: str) -> str:
    """A text that may stand in a header field; ValueError, which does not show it, otherwise."""
    if _WORD.fullmatch(value) is None:
        raise ValueError(f"the {what} must be of visible ASCII characters, without blanks")
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
