"""The changes of the mail store, which feed the statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.domain.statistics import Change


class ChangeReader(Protocol):
    """Understands what the mail store tells of its changes."""

    async def read(self, records: Sequence[Mapping[str, Any]]) -> list[Change]:
        """The changes that concern anybody, in their order. Records of other things are left out, and those that
        cannot be read are logged and left out: nobody could do better with them later."""
