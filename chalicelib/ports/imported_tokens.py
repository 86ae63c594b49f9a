"""Tokens that were made elsewhere and are still in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page


@dataclass(frozen=True, slots=True)
class ImportedToken:
    """What a token of a server stands for until `keep_until` (epoch seconds): a message, with its recipient in lower
    case, or with `link` (from 1) the link of this number in it."""

    server: ServerId
    token: str
    message: MessageId
    keep_until: int
    link: int = 0
    recipient: str = ""


class ImportedTokens(Protocol):
    """Tokens of messages and links that came with an installation that was moved in. They hold no number, so that they
    are looked for, and only after a token was found not to be one of ours."""

    async def keep(self, tokens: Sequence[ImportedToken]) -> None:
        """Have tokens; one that is there is replaced."""

    async def get(self, server: ServerId, token: str, now: float) -> ImportedToken:
        """By the token as it was written; NotFound, also for one that is over."""

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[ImportedToken]:
        """Those of a server that are not over, some at a time. For moves: it reads the whole list."""

    async def forget(self, server: ServerId, recipient: str) -> list[MessageId]:
        """Remove the tokens of the messages to a recipient (compared without case); whose they were. It may read the
        whole list."""
