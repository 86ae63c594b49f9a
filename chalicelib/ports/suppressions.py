"""Recipients to whom nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Suppression


class SuppressionList(Protocol):
    """Recipients not to send to (contract section 1.13). Addresses are compared without case."""

    async def listed(
        self, pairs: Sequence[tuple[ServerId, str]], now: float
    ) -> dict[tuple[ServerId, str], Suppression]:
        """Those of the pairs (as given) that are listed and not expired."""

    async def all(self, server: ServerId, now: float) -> list[Suppression]:
        """Those of a server that are not expired, by address. For people and moves: it reads the whole list."""

    async def add(self, server: ServerId, entry: Suppression) -> None:
        """List a recipient, or renew its entry."""

    async def remove(self, server: ServerId, address: str) -> bool:
        """Unlist a recipient; False when it was not listed."""
