"""The numbers of messages and deliveries."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.numbering import ServerId


class Numbers(Protocol):
    """Integers that rise per server (contract section 1: small, sequential, unique within a server)."""

    async def take(self, server: ServerId, kind: str, count: int) -> list[int]:
        """`count` fresh numbers of a kind ("message", "delivery" or "report"), each at most 2**31 - 1."""
