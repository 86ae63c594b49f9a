"""Which way out a message takes: sticky, weighted, without storage.

The choice is a weighted rendezvous hash of the message's token over the sources of its pool, so
that retries come from the same address (greylisting) and a source that goes or comes moves only its
own share. It does not know whether a source works; the caller leaves out those that just failed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable

from chalicelib.domain.tenancy.sources import EgressKind, EgressSource

IMPLIED = EgressSource(name="default")
"""The way out of a pool that has no source at all: straight out, from the system's own choice of
address."""


def choose_source(
    sources: Iterable[EgressSource], token: str, now: float, avoid: Collection[str] = ()
) -> EgressSource | None:
    """The source for a message, or None when each is suspended or named in `avoid`.

    `priority` is the weight. Sources of weight 0 are used only when no other is left. One that is suspended for a list
    is used when persons have suspended all others: mail goes on.
    """
    in_use = [source for source in sources if source.suspended_until <= now]
    unlisted = [source for source in in_use if not source.suspended_for] or in_use
    healthy = [source for source in unlisted if source.name not in avoid]
    weighted = [source for source in healthy if source.priority > 0] or healthy
    if len(weighted) == 1:
        return weighted[0]
    return max(weighted, key=lambda source: (_score(source, token), source.name), default=None)


def _score(source: EgressSource, token: str) -> float:
    digest = hashlib.sha256(f"{token}|{source.name}".encode()).digest()
    point = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -max(source.priority, 1) / math.log(point) if point < 1 else math.inf


def can_reach(source: EgressSource, address: str) -> bool:
    """False when the source is bound to local addresses and has none of the family of `address`
    (contract 4.16)."""
    if source.kind is EgressKind.SMARTHOST or not (source.address or source.address6):
        return True
    return bool(source.address6 if ":" in address else source.address)


def why_unused(source: EgressSource, address: str) -> str:
    """Why the source does not use the family of `address`, as the hourly look found it; empty when it may."""
    if source.kind is EgressKind.SMARTHOST:
        return ""
    return source.unused6 if ":" in address else source.unused4


def bound_address(source: EgressSource, address: str) -> str:
    """The local address to bind for talking to `address`; empty for the system's choice."""
    return source.address6 if ":" in address else source.address
