"""What operations on `/api/v2/email-changes` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import TypedDict

__all__ = ["Following"]


class Following(TypedDict):
    """Nothing: the link says it all."""
