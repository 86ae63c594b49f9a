"""What operations on `/api/v2/searches` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from posthorn_client.models.emails_parts import Scope

__all__ = ["SavedSearch", "SavedSearchPage", "SavedSearchToChange", "SavedSearchToMake"]


class SavedSearch(TypedDict):
    """A search of a server's mail under a name."""

    id: str
    name: str
    q: str
    direction: Scope | None
    shared: bool
    created_by: str
    created_at: str


class SavedSearchPage(TypedDict):
    """Saved searches, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[SavedSearch]


class SavedSearchToChange(TypedDict):
    """What may be changed of it."""

    name: NotRequired[str | None]
    q: NotRequired[str | None]
    direction: NotRequired[Scope | None]
    """Null: both."""
    shared: NotRequired[bool | None]
    """With all who read the server's mail; takes `emails:write`."""


class SavedSearchToMake(TypedDict):
    """A new one."""

    name: str
    q: NotRequired[str | None]
    direction: NotRequired[Scope | None]
    """Null: both."""
    shared: NotRequired[bool | None]
    """With all who read the server's mail; takes `emails:write`."""
