"""What operations on `/api/v2/pools` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = ["EgressKind", "Pool", "PoolPage", "PoolToChange", "Source", "SourceListing"]

EgressKind = Literal["direct", "socks5", "smarthost"]
"""How a source reaches the world."""


class Pool(TypedDict):
    """A pool, the servers whose mail it takes, and its ways out."""

    name: str
    default: bool
    """What an organization has without a choice."""
    organizations: list[str] | None
    """Those that alone may have it; null: every one."""
    has_queue: bool
    """Without a queue it takes no mail."""
    servers: list[str]
    sources: list[Source]


class PoolPage(TypedDict):
    """Pools, by name."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Pool]


class PoolToChange(TypedDict):
    """What may be chosen about a pool."""

    default: NotRequired[Literal[True] | None]
    """Take the place of the default pool."""
    organizations: NotRequired[list[str] | None]
    """They alone may have the pool, and have it; null: each may be given it."""


class Source(TypedDict):
    """One way out of a pool."""

    name: str
    pool: str
    kind: EgressKind
    address: str | None
    address6: str | None
    host: str | None
    port: int | None
    username: str | None
    has_password: bool
    tls: Literal["opportunistic", "required", "implicit", "none"]
    ehlo: str | None
    priority: int
    suspended_until: str | None
    suspension_reason: str | None
    """Why it is suspended by itself, until that ends or it is resumed."""
    unused4: str | None
    """Why no mail leaves by IPv4, as it was found; null: it may."""
    unused6: str | None
    """The same of IPv6."""
    listings: list[SourceListing]
    """As the last hour found them."""


class SourceListing(TypedDict):
    """An address of a source that a list has."""

    list: str
    address: str
    text: str | None
    """In the words of the list."""
    since: str
    """When it was found first."""
    resumed: bool
    """Somebody resumed the source: this listing suspends it no more."""
