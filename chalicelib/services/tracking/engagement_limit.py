"""How many opens and clicks of one message are kept, so that one address asked for again and again fills no table.

A message goes to one recipient, so what counts beyond a thousand opens, or clicks on one link, is a machine's; people
behind a distribution list still have room. What is beyond is answered like all others, and neither kept nor counted.
A process asks the store how many there are only when it has itself seen twenty hits of a message. So an ordinary
message costs no look, and n processes may pass the limit by twenty hits each.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.engagement import Engagement

MOST_OF_A_LINK = 1_000  # or of the image
MOST_OF_A_MESSAGE = 5_000
UNASKED = 20
MOST_REMEMBERED = 1_000

_Link = tuple[EngagementKind, str]


@dataclass(slots=True)
class _Seen:
    """Hits that this process saw of a message, and what is kept of each link, once it has asked."""

    hits: int = 0
    kept: Counter[_Link] | None = None


class EngagementLimit:
    """Says whether one more hit is to be kept."""

    def __init__(self, engagement: Engagement) -> None:
        self._engagement = engagement
        self._seen: OrderedDict[tuple[ServerId, MessageId], _Seen] = OrderedDict()

    async def has_room(self, server: ServerId, message: MessageId, hit: EngagementEvent) -> bool:
        """True while there is room for this hit, which then counts. Raises TemporaryFailure when the store is away."""
        seen = self._seen.setdefault((server, message), _Seen())
        self._seen.move_to_end((server, message))
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        seen.hits += 1
        if seen.hits <= UNASKED:
            return True
        if seen.kept is None:
            found = await self._engagement.hits(server, message, MOST_OF_A_MESSAGE)
            seen.kept = Counter((one.kind, one.url) for one in found)
        if seen.kept.total() >= MOST_OF_A_MESSAGE or seen.kept[hit.kind, hit.url] >= MOST_OF_A_LINK:
            return False
        seen.kept[hit.kind, hit.url] += 1
        return True
