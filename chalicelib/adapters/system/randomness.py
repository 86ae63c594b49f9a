"""Randomness of the operating system: fit for keys and tokens, and for jitter. It cannot be seeded."""

from __future__ import annotations

import random
import secrets

from chalicelib.ports.rand import Rand


class SystemRand(Rand):
    """The `Rand` port over the operating system's generator."""

    def __init__(self) -> None:
        self._uniform = random.SystemRandom().random

    def bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return secrets.token_bytes(count)

    def uniform(self) -> float:
        """A float in [0, 1)."""
        return self._uniform()
