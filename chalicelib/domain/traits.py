"""By what the messages of a server are told apart in statistics.

Every value is short; what is longer is cut, so that a group is never larger than its counters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from chalicelib.domain.model import TRANSACTIONAL, MessageRecord, Scope

LONGEST_VALUE = 100  # characters


class Traits(NamedTuple):
    """Of one message; None for what it has none of. Mail that comes in has no stream."""

    tag: str | None = None
    domain: str | None = None
    stream: str | None = None
    credential: str | None = None
    sender_domain: str | None = None
    route: str | None = None
    provider: str | None = None


UNKNOWN = Traits()
"""Of a message that is gone."""


def traits_of(record: MessageRecord) -> Traits:
    """Those of a record."""
    message = record.message
    return traits(
        message.scope,
        message.tag,
        message.rcpt_to,
        message.stream,
        message.origin.credential_id,
        message.mail_from,
        record.way.route_id,
        record.provider,
    )


def traits(  # what a row of a store has, in its order
    scope: Scope | str,
    tag: str | None,
    rcpt_to: str,
    stream: str | None,
    credential: str | None,
    mail_from: str,
    route: str | None,
    provider: str | None,
) -> Traits:
    """Those of what a store has of a message."""
    return Traits(
        _short(tag),
        _domain(rcpt_to),
        (stream or TRANSACTIONAL) if scope == Scope.OUTGOING else None,
        _short(credential),
        _domain(mail_from),
        _short(route),
        _short(provider),
    )


def _short(text: str | None) -> str | None:
    return text[:LONGEST_VALUE] if text else None


@lru_cache(4_096)
def _domain(address: str) -> str | None:
    """The domain of an address, None where it has none."""
    return _short(address.rpartition("@")[2].lower()) if "@" in address else None
