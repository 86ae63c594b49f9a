"""The stored bytes of the message that an attempt is about, wherever they lie by now.

A wake-up carries where they lay when the message was accepted. What shared its place with contents that are forgotten
was put elsewhere meanwhile, and the record knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageRecord
from chalicelib.ports.messages import MessageStore
from chalicelib.services.queue.bodies import Bodies


class Attempt(Protocol):
    """What an attempt knows of its message, and where it reads."""

    record: MessageRecord

    @property
    def bodies(self) -> Bodies:
        """Those of the batch."""


async def read_body(attempt: Attempt, messages: MessageStore) -> bytes:
    """The bytes; the attempt knows from then on where they lie. NotFound, TemporaryFailure."""
    message = attempt.record.message
    try:
        return await attempt.bodies.get(message.blob)
    except NotFound:
        known = await messages.get(message.server_id, message.id, message.scope)
        if known.message.blob == message.blob:
            raise
        found = await attempt.bodies.get(known.message.blob)
    moved = replace(message, blob=known.message.blob)
    attempt.record = replace(attempt.record, message=moved)
    return found
