"""What operations on `/api/v2/streams` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = ["Stream", "StreamPage", "StreamToChange", "StreamToMake", "StreamType"]


class Stream(TypedDict):
    """A kind of mail."""

    name: str
    type: StreamType
    unsubscribe: bool
    """Whether mail that does not say so itself gets one-click unsubscribe fields."""
    created_at: str | None
    """Null: every server has it."""
    complaint_rate_limit: float | None
    bounce_rate_limit: float | None
    rate_limit_count: int | None


class StreamPage(TypedDict):
    """Streams: those that every server has, then the others by name."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Stream]


class StreamToChange(TypedDict):
    """What may be changed of it; limits of rates by operators alone."""

    unsubscribe: NotRequired[bool | None]
    """Whether mail that does not say so itself gets one-click unsubscribe fields; null: as its type
    has it.
    """
    complaint_rate_limit: NotRequired[float | None]
    """Percent of delivered mail that is complained about, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    bounce_rate_limit: NotRequired[float | None]
    """Percent of mail that does not reach its recipient, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    rate_limit_count: NotRequired[int | None]
    """Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."""


class StreamToMake(TypedDict):
    """A new stream."""

    name: str
    type: StreamType
    unsubscribe: NotRequired[bool | None]
    """Whether mail that does not say so itself gets one-click unsubscribe fields; without it, that of
    a stream for broadcasts does.
    """


StreamType = Literal["transactional", "broadcast"]
"""What a stream is for."""
