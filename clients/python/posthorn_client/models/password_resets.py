"""What operations on `/api/v2/password-resets` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import TypedDict

__all__ = ["PasswordToChoose", "PasswordToReset"]


class PasswordToChoose(TypedDict):
    """A new password."""

    password: str
    """10 to 200 characters."""


class PasswordToReset(TypedDict):
    """Whose password is forgotten."""

    email: str
