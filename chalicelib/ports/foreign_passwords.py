"""Passwords that another program kept."""

from __future__ import annotations

from typing import Protocol


class ForeignPasswords(Protocol):
    """Checks the digests that came from Postal, which are bcrypt's."""

    def matches(self, kept: str, password: str) -> bool:
        """Whether a password is the one that is kept; False for what is no such digest. It takes a tenth of a second of
        computing, so it is not to be asked on the event loop."""
