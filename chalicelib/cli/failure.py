"""What the command could not do, told in one sentence."""

from __future__ import annotations


class Failure(Exception):
    """Something could not be done. Its text is what the person at the terminal reads."""

    @property
    def public(self) -> str:
        """The sentence."""
        return str(self)
