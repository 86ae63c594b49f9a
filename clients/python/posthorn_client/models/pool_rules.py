"""What operations on `/api/v2/pool-rules` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = ["PoolRule", "PoolRulePage", "PoolRuleToChange", "PoolRuleToMake"]

_PoolRule = TypedDict("_PoolRule", {"from": "list[str]"})


class PoolRule(_PoolRule):
    """A rule: it matches when one of its lines is an author's address or domain, or the recipient's."""

    id: str
    scope: Literal["server", "organization"]
    """Whose rule it is."""
    to: list[str]
    pool: str
    created_at: str


class PoolRulePage(TypedDict):
    """Pool rules, in the order in which they are asked."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[PoolRule]


_PoolRuleToChange = TypedDict("_PoolRuleToChange", {"from": "NotRequired[list[str] | None]"})


class PoolRuleToChange(_PoolRuleToChange):
    """What may be changed of it."""

    to: NotRequired[list[str] | None]
    """Addresses, without their tag, and domains."""
    pool: NotRequired[str | None]


_PoolRuleToMake = TypedDict("_PoolRuleToMake", {"from": "NotRequired[list[str] | None]"})


class PoolRuleToMake(_PoolRuleToMake):
    """A new rule. One of its two lists is not empty."""

    to: NotRequired[list[str] | None]
    """Addresses, without their tag, and domains."""
    pool: str
    """One of the organization's."""
