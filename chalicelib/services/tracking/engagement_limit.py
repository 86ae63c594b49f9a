"""How many opens and clicks of one message are kept (api.md 2.14), so that one address asked for again and again fills
no table.

A message goes to one recipient, so what counts beyond a hundred opens, or clicks on one link, is a machine's. What is
beyond is answered like all others, and neither kept nor counted. A process asks the store how many there are when it
has itself seen twenty hits of a message, and then again for each that is near the limit. So an ordinary message costs
no look, and only hits that come at the same moment in several processes can pass the limit.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.engagement import Engagement

MOST_OF_A_LINK = 100  # or of the image
MOST_OF_A_MESSAGE = 5_000
UNASKED = 20
NEAR = 20
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
        if seen.kept is None or _is_near(seen.kept, hit):
            found = await self._engagement.hits(server, message, MOST_OF_A_MESSAGE)
            seen.kept = Counter((one.kind, one.url) for one in found)
        if _is_full(seen.kept, hit, 0):
            return False
        seen.kept[hit.kind, hit.url] += 1
        return True


def _is_full(kept: Counter[_Link], hit: EngagementEvent, room: int) -> bool:
    """Whether there is room for so many more at most."""
    of_link = kept[hit.kind, hit.url] + room
    return of_link >= MOST_OF_A_LINK or kept.total() + room >= MOST_OF_A_MESSAGE


def _is_near(kept: Counter[_Link], hit: EngagementEvent) -> bool:
    """Whether others may have filled it since: not when it was full, which it stays."""
    return _is_full(kept, hit, NEAR) and not _is_full(kept, hit, 0)
