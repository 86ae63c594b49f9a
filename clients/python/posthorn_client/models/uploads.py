"""What operations on `/api/v2/uploads` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = ["Upload", "UploadToMake"]


class Upload(TypedDict):
    """Where to send the bytes: one request with this method and these headers, before it expires."""

    id: str
    url: str
    method: Literal["PUT", "POST"]
    headers: dict[str, str]
    expires_at: str


class UploadToMake(TypedDict):
    """What is to be uploaded."""

    size: int
    """Bytes."""
