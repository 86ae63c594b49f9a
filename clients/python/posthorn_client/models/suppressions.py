"""What operations on `/api/v2/suppressions` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "Evidence",
    "Reason",
    "Suppression",
    "SuppressionCounts",
    "SuppressionPage",
    "SuppressionScope",
    "SuppressionToAdd",
]


class Evidence(TypedDict):
    """The message and the report that say so."""

    email: int
    report: int | None


Reason = Literal["hard_fails", "soft_fails", "bounce", "complaint", "unsubscribe", "manual"]
"""Why a recipient is listed, in the words of api.md 2.13."""


class Suppression(TypedDict):
    """A recipient that is not written to."""

    address: str
    """`*@domain`: all of a domain."""
    scope: SuppressionScope
    """Whose mail it acts on."""
    stream: str | None
    reason: Reason
    text: str
    """The words that its mail is held by."""
    note: str | None
    evidence: Evidence | None
    created_by: str
    created_at: str
    expires_at: str | None
    """Null: never."""


class SuppressionCounts(TypedDict):
    """How many entries there are, by reason."""

    hard_fails: int
    soft_fails: int
    bounce: int
    complaint: int
    unsubscribe: int
    manual: int


class SuppressionPage(TypedDict):
    """Entries, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Suppression]


SuppressionScope = Literal["organization", "server", "stream"]
"""What an entry acts on: the mail of all servers of an organization, of one server, or of one of
its streams.
"""


class SuppressionToAdd(TypedDict):
    """A recipient that is not to be written to any more."""

    address: str
    """An address, or `*@domain` for all of a domain."""
    scope: NotRequired[SuppressionScope | None]
    """By default the tenant's."""
    stream: NotRequired[str | None]
    """With the scope `stream` alone, and then needed."""
    reason: NotRequired[Reason | None]
    note: NotRequired[str | None]
    expires_at: NotRequired[str | Literal["never"] | None]
    """A time, or `never`; by default as `suppression_days` of the reason."""
