"""What a transaction becomes is stored: by group commit, and once where the client gave an idempotency key."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.services.outgoing.store import Storable
from chalicelib.services.outgoing.submission import Prepared
from gateway.site import Site


async def stored(site: Site, prepared: Sequence[Storable], *, secure: bool) -> list[str]:
    """The tokens of the messages, once all parts are durable: now, or since the key was used first. Raises
    TemporaryFailure, and KeyInFlight while another transaction with the key is being stored."""
    keyed = [part for part in prepared if isinstance(part, Prepared) and part.key]
    once, is_stored = site.services.once, False
    for one in keyed:
        if (earlier := await once.earlier(one)) is not None:
            return [token for _, token in earlier]
    try:
        await site.committer.add(*prepared)
        is_stored = True
    finally:
        if keyed:
            await once.ended(keyed, stored=is_stored)
    for part in prepared:
        site.counts.stored(part.messages, secure=secure)
    return [token for part in prepared for _, token in part.names]
