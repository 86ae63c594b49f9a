"""Answers to repeated requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.numbering import ServerId


class Claimed(StrEnum):
    """What `IdempotencyKeys.begin` found."""

    STARTED = "started"
    IN_FLIGHT = "in_flight"
    OTHER_BODY = "other_body"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """`status` and `body` are the first answer when `found` is REPLAY."""

    found: Claimed
    status: int = 0
    body: str = ""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a request; `at` is when its work was begun, epoch seconds."""

    key: str
    fingerprint: str
    at: float
    status: int
    body: str


class IdempotencyKeys(Protocol):
    """First answers by `Idempotency-Key`, kept 24 hours per server."""

    async def begin(
        self, server: ServerId, key: str, fingerprint: str, now: float
    ) -> IdempotencyClaim:
        """Claim a key for a request with this fingerprint. A claim left open for 60 s may be taken over."""

    async def complete(self, server: ServerId, key: str, status: int, body: str) -> None:
        """Keep the first answer."""

    async def abandon(self, server: ServerId, key: str) -> None:
        """Give an open claim back, because nothing was done."""

    async def all(self, server: ServerId, now: float) -> list[KeptAnswer]:
        """The answers that a server has given and that are not over, by key. For moves: it reads the whole list."""

    async def keep(self, server: ServerId, answers: Sequence[KeptAnswer]) -> None:
        """Have answers that were given elsewhere, in place of any with the same key."""
