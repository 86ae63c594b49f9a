"""Files that every page may use, under names that change with what is in them, so that browsers keep them for good."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from chalicelib.api.http import HttpAnswer

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }
)


@functools.cache
def address_of(name: str) -> str:
    """The path of a file: `/static/posthorn-1a2b3c4d.css`."""
    path = FOLDER / name
    mark = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return f"{PREFIX}{path.stem}-{mark}{path.suffix}"


@functools.cache
def _names() -> dict[str, str]:
    return {address_of(one.name): one.name for one in FOLDER.iterdir() if one.suffix in _TYPES}


def answer_static(path: str) -> HttpAnswer | None:
    """The file at a path, None when there is none."""
    name = _names().get(path)
    if name is None:
        return None
    headers = {
        "Content-Type": _TYPES[Path(name).suffix],
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpAnswer(200, (FOLDER / name).read_text("utf-8"), headers)
