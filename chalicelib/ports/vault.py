"""Sealed secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class KeyVault(Protocol):
    """Seals secrets under a context (associated data): opening with another context fails with PermanentFailure."""

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes: ...

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes: ...
