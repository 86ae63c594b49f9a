"""Suppression lists on their way: both sides are walked by name at once, so that a list may be of any length."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Change, Suppression
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList

TOGETHER = 500


async def copy_suppressions(source: Posthorn, target: Posthorn, owner: ServerId) -> None:
    """Those of now; what was removed meanwhile is removed there, too. What the target changes meanwhile stays."""
    now, theirs = source[Clock].now(), target[SuppressionList]
    changed: list[Change] = []
    gone: list[Suppression] = []
    async for ours, known in _side_by_side(source, target, owner, now):
        if ours is None:
            gone += [] if known is None else [known]
        elif ours != known:
            changed.append(Change(ours, known))
        if len(changed) >= TOGETHER:
            await theirs.put_all(owner, changed, now)
            changed = []
    await theirs.put_all(owner, changed, now)
    for one in gone:
        await theirs.remove(owner, one)


async def _side_by_side(
    source: Posthorn, target: Posthorn, owner: ServerId, now: float
) -> AsyncIterator[tuple[Suppression | None, Suppression | None]]:
    """The entries of both sides by name; None where one side lacks it."""
    left, right = _walked(source, owner, now), _walked(target, owner, now)
    ours, known = await anext(left, None), await anext(right, None)
    while ours is not None or known is not None:
        mine = None if ours is None else _place(ours)
        other = None if known is None else _place(known)
        if other is None or (mine is not None and mine < other):
            yield ours, None
            ours = await anext(left, None)
        elif mine is None or other < mine:
            yield None, known
            known = await anext(right, None)
        else:
            yield ours, known
            ours, known = await anext(left, None), await anext(right, None)


def _place(entry: Suppression) -> tuple[str, str]:
    """What stores order a list by."""
    return entry.address.lower(), entry.stream or ""


async def _walked(side: Posthorn, owner: ServerId, now: float) -> AsyncIterator[Suppression]:
    """The entries of a list, in the order of their keys, which is that of code points on both sides."""
    position = None
    while True:
        page = await side[SuppressionList].walk(owner, TOGETHER, now, position)
        for entry in page.values:
            yield entry
        if (position := page.next_cursor) is None:
            return
