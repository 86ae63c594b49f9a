"""What receivers ask of senders: the rates above which mail is delayed or refused, where they say them.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BOUNCED = "bounced"
COMPLAINED = "complained"
# What holds where a receiver says nothing of its own: Google's word, which others follow.
_EVERYWHERE: Mapping[str, float] = MappingProxyType({BOUNCED: 0.02, COMPLAINED: 0.001})
_OWN: Mapping[str, Mapping[str, float]] = MappingProxyType({"yahoo": {COMPLAINED: 0.003}})


def limit_of(rate: str, receiver: str | None = None) -> float | None:
    """The part of mail below which a sender is to stay; None for a rate that nobody limits."""
    own = _OWN.get(receiver or "", {})
    return own.get(rate, _EVERYWHERE.get(rate))
