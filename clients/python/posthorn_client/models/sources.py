"""What operations on `/api/v2/sources` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.pools import EgressKind, Source

__all__ = ["SourcePage", "SourceSuspension", "SourceToChange", "SourceToMake"]


class SourcePage(TypedDict):
    """Sources, by pool and name."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Source]


class SourceSuspension(TypedDict):
    """For how long."""

    seconds: NotRequired[int | None]
    """Null: until it is resumed."""


class SourceToChange(TypedDict):
    """What may be changed of it."""

    address: NotRequired[str | None]
    address6: NotRequired[str | None]
    host: NotRequired[str | None]
    port: NotRequired[int | None]
    """0: the usual one."""
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    """Never shown."""
    tls: NotRequired[Literal["opportunistic", "required", "implicit", "none"] | None]
    ehlo: NotRequired[str | None]
    priority: NotRequired[int | None]


class SourceToMake(TypedDict):
    """A new way out."""

    name: str
    pool: NotRequired[str | None]
    kind: EgressKind
    address: NotRequired[str | None]
    address6: NotRequired[str | None]
    host: NotRequired[str | None]
    port: NotRequired[int | None]
    """0: the usual one."""
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    """Never shown."""
    tls: NotRequired[Literal["opportunistic", "required", "implicit", "none"] | None]
    """`posthorn source add` gives a smarthost `required`."""
    ehlo: NotRequired[str | None]
    priority: NotRequired[int | None]
