"""Where work stands that goes on in the next run, by the name of the work."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One small text a name."""

    async def get(self, name: str) -> str:
        """What was kept last; empty when nothing was."""

    async def put(self, name: str, text: str) -> None:
        """Keep it in place of what is there."""
