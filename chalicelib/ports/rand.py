"""Chance, which tests may repeat."""

from __future__ import annotations

from typing import Protocol


class Rand(Protocol):
    """Randomness: cryptographic bytes and a uniform float for jitter."""

    def bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""

    def uniform(self) -> float:
        """A float in [0, 1)."""
