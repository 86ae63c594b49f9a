"""Recipients put on suppression lists that have none of them yet."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Change, Suppression
from chalicelib.ports.suppressions import SuppressionList


async def list_new(
    lists: SuppressionList, owner: ServerId, entries: Sequence[Suppression], now: float = 0
) -> None:
    """Have entries on a list that has nothing in their places."""
    assert not await lists.put_all(owner, [Change(one, None) for one in entries], now)
