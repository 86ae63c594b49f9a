"""The step that takes a place in the send limits of a message (contract section 4.12), and gives it back when nothing
is sent."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.outgoing.checks import Decision, Hold
from chalicelib.services.limits.take_place import LimitUnknown, TakePlace
from chalicelib.services.outgoing.attempt import OutgoingAttempt

__all__ = ["LimitUnknown", "SendLimit"]


class SendLimit:
    """The step."""

    def __init__(self, places: TakePlace) -> None:
        self._places = places

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Take a place, or hold the message for the limit that has none. Raises LimitUnknown."""
        if attempt.facts.for_postmaster:
            return None
        place = await self._places.run(attempt.record, attempt.facts.server)
        if place is None:
            return None
        if place.hold is not None:
            return Hold(place.words, place.hold)
        attempt.place = place
        attempt.record = replace(attempt.record, counted=True)
        return None

    async def give_back(self, attempt: OutgoingAttempt) -> None:
        """Give a place back, because nothing was sent."""
        if attempt.place is not None:
            await self._places.give_back(attempt.place)
            attempt.record = replace(attempt.record, counted=False)
