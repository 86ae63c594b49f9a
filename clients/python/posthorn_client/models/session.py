"""What operations on `/api/v2/session` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

__all__ = ["Confirmation"]


class Confirmation(TypedDict):
    """One of what proves who one is; a passkey with its ticket."""

    password: NotRequired[str | None]
    totp: NotRequired[str | None]
    ticket: NotRequired[str | None]
    passkey: NotRequired[dict[str, Any] | None]
