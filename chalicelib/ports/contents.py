"""What is stored of messages' contents, by server and by the day on which it was stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId

Existing = Callable[[BlobRef], bool]
"""Tells whether a body is there: as it was when this was made, or is now."""


class Contents(Protocol):
    """Bodies as places that can be given back. A day is named as `20261130`.

    How many bytes there are is counted as bodies are stored; a death may leave the count of a day wrong until that is
    recounted.
    """

    async def counted(self, server: ServerId) -> int:
        """How many bytes there are, as counted."""

    async def days(self, server: ServerId) -> Mapping[str, int]:
        """The days of which something is stored, and how many bytes each, as counted."""

    async def existing(self, server: ServerId, day: str) -> Existing:
        """Which bodies of a day are there."""

    async def remove(
        self, server: ServerId, bodies: Collection[BlobRef], needed: Collection[BlobRef]
    ) -> list[str]:
        """Give back these bodies, which were there a moment ago, but for those that are needed. Of a place that others
        share, of which some are needed, nothing is done: the keys of these places."""

    async def size(self, key: str) -> int:
        """How many bytes a place has that several share; 0 when it is gone."""

    async def drop(self, server: ServerId, key: str) -> None:
        """Give back a whole place that others than its server never share, after all was put elsewhere."""

    async def recount(
        self, server: ServerId, day: str, needed: Collection[BlobRef], now: float
    ) -> int:
        """Count a day that is over once more: how many bytes there are. `needed` are the bodies that messages have
        there; whatever else there is goes, since nobody knows it."""

    async def tidy(self, now: float) -> None:
        """Give back the room of days of which nothing is stored any more."""
