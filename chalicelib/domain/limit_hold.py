"""What a record remembers of the send limit that holds its message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitHold:
    """The send limit that holds a message: of which kind its owner is, the owner's number (of a credential, that of the
    server) and the credential's id, for which period, how many messages it lets through, and when this one is thought
    to be sent."""

    owner: str
    of: int
    credential: str
    period: str
    most: int
    until: int
