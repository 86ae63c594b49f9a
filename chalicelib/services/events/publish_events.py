"""Tells of what happened: the consumer of the outbox behind `GET /events` and webhooks.

Each server's occurrences go into its list, which takes those of a replay once, and as events to whoever wants them,
where an event that comes again is known by its id. Of a server that has no webhooks nothing else is read. What would
keep those of other servers waiting is handed on later.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from chalicelib.domain.changes import Change
from chalicelib.domain.events.domains import is_again
from chalicelib.domain.events.occurrences import occurrences
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import Occurrence
from chalicelib.ports.event_log import EventLog, Numbered
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.events.hand_on_later import MOST_AT_ONCE, HandOnLater
from chalicelib.services.gather import gather
from chalicelib.services.webhooks.fan_out import FanOut

LOG = logging.getLogger("posthorn.events")


class PublishEvents:
    """Lists what happened, and hands it to webhooks."""

    def __init__(
        self, log: EventLog, compose: ComposeEvents, webhooks: FanOut, later: HandOnLater
    ) -> None:
        self._log = log
        self._compose = compose
        self._webhooks = webhooks
        self._later = later

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Publish what changes of one source tell; how many occurrences there were. Raises when some server's could not
        be listed or handed on; taking the same changes again then does the rest."""
        found: defaultdict[ServerId, list[Numbered]] = defaultdict(list)
        for change in changes:
            for one in _told_by(change):
                found[one.server].append(Numbered(change.sequence, one))
        # None may still be writing when the changes come again.
        await gather(self._publish(source, server, told) for server, told in found.items())
        return {"events": sum(map(len, found.values()))} if found else {}

    async def _publish(self, source: str, server: ServerId, told: Sequence[Numbered]) -> None:
        listed = [one for one in told if not is_again(one.occurrence)]
        if listed:
            await self._log.append(source, server, listed)
        if webhooks := await self._webhooks.wanted(server):
            await self._hand_on(server, [one.occurrence for one in told], webhooks)

    async def _hand_on(self, server: ServerId, told: Sequence[Occurrence], webhooks: int) -> None:
        if len(told) * webhooks > MOST_AT_ONCE:
            await self._later.keep(server, told)
            return
        events = await self._compose.compose(server, told)
        if events:
            await self._webhooks.take(server, events)


def _told_by(change: Change) -> tuple[Occurrence, ...]:
    """What a change tells. One that cannot be read keeps the others from nobody: it could not be read later either."""
    try:
        return occurrences(change)
    except (ValueError, TypeError, KeyError, AttributeError):
        LOG.exception("a change tells no event", extra={"fields": {"sequence": change.sequence}})
        return ()
