"""Answers given once per `Idempotency-Key` and server: a client that asks again gets the first answer again.

Only answers to work that was done are kept, for 24 hours; a request that failed gives its key back, so that a corrected
or later one may use it. Two requests with one key at the same time: one works, the other raises `KeyInFlight`. When the
process dies between work and answer, the key is free again after 60 seconds and the work may be done twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, MailError, Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys

# What was done or refused stays so, even if the store cannot note it; the claim then lapses by itself.
_STAYS_SO = suppress(MailError)


class KeyInFlight(Conflict):
    """The first request with this key has no answer yet."""

    code = "idempotency_key_in_flight"


class KeyReused(Rejected):
    """The key belongs to another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and body; `replayed` when they were given before. `keep` is False when nothing was done."""

    status: int
    body: str
    replayed: bool = False
    keep: bool = True


def fingerprint(*parts: bytes) -> str:
    """A digest of what makes two requests the same: method, path, body. No two lists of parts give the same."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


class Idempotency:
    """Does work at most once per key, or replays its answer."""

    def __init__(self, keys: IdempotencyKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def answer(
        self, server: ServerId, key: str, mark: str, work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer of `work`, or the kept one. Raises KeyInFlight, KeyReused, and whatever `work` raises."""
        claim = await self._keys.begin(server, key, mark, self._clock.now())
        if claim.found is Claimed.REPLAY:
            return Answer(claim.status, claim.body, replayed=True)
        if claim.found is Claimed.IN_FLIGHT:
            raise KeyInFlight("A request with this Idempotency-Key is being worked on")
        if claim.found is Claimed.OTHER_BODY:
            raise KeyReused("This Idempotency-Key was used for another request")
        try:
            done = await work()
        except MailError:
            with _STAYS_SO:
                await self._keys.abandon(server, key)
            raise
        with _STAYS_SO:
            if done.keep:
                await self._keys.complete(server, key, done.status, done.body)
            else:
                await self._keys.abandon(server, key)
        return done
