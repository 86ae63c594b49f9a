"""The hourly volume of a server."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.numbering import ServerId


class SendRate(Protocol):
    """How many messages a server sent in the last sixty minutes, counted only for servers with a limit."""

    async def reserve(self, server: ServerId, now: float) -> int:
        """Count one first attempt; which one of the last 60 minutes it is, from 1. Of those counted in one minute no
        two get the same answer, however many workers ask."""

    async def give_back(self, server: ServerId, now: float) -> None:
        """Uncount one that `reserve` counted at `now`, because nothing was sent."""
