"""The UUIDs by which clients know what is configured."""

from __future__ import annotations

import uuid


def new_uuid(random: bytes) -> str:
    """A UUID of version 4 from 16 random bytes."""
    return str(uuid.UUID(bytes=random, version=4))
