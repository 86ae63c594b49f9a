"""What limits sending: suppressed recipients, the hourly volume, answers to repeated requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.model import Suppression
from chalicelib.domain.tenancy import ServerId


class SuppressionList(Protocol):
    """Recipients not to send to (contract section 1.13). Addresses are compared without case."""

    async def listed(
        self, pairs: Sequence[tuple[ServerId, str]], now: float
    ) -> dict[tuple[ServerId, str], Suppression]:
        """Those of the pairs (as given) that are listed and not expired."""

    async def add(self, server: ServerId, entry: Suppression) -> None:
        """List a recipient, or renew its entry."""

    async def remove(self, server: ServerId, address: str) -> bool:
        """Unlist a recipient; False when it was not listed."""


class SendVolume(Protocol):
    """How many messages a server sent in the last sixty minutes, counted only for servers with a limit."""

    async def last_hour(self, server: ServerId, now: float) -> int:
        """The sum over the last 60 minutes."""

    async def reserve(self, server: ServerId, now: float) -> int:
        """Count one first attempt; which one of the last 60 minutes it is, from 1. Of those counted in one minute no
        two get the same answer, however many workers ask."""

    async def give_back(self, server: ServerId, now: float) -> None:
        """Uncount one that `reserve` counted at `now`, because nothing was sent."""


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
