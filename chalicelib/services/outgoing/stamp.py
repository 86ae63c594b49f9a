"""What makes a composed message unique."""

from __future__ import annotations

import uuid

from chalicelib.domain.mail.compose import Stamp
from chalicelib.ports.rand import Rand


def new_stamp(rand: Rand, domain: str, date: str) -> Stamp:
    """A stamp of this RFC 5322 date, with a Message-ID in this domain."""
    unique = uuid.UUID(bytes=rand.bytes(16), version=4)
    mixed, alternative, related = (f"=_{rand.bytes(15).hex()}" for _ in range(3))
    return Stamp(f"{unique}@{domain}", date, mixed, alternative, related)
