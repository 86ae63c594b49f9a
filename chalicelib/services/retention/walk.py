"""A server's messages from a time on, in the order of their numbers, in batches whose neighbours are known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.model import MessageRecord
from chalicelib.domain.neighbours import TOGETHER_SECONDS, Neighbours
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.old_mail import MOST_FORGOTTEN, OldMail

LARGEST = 2**31 - 1
PAGE = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """At most MOST_FORGOTTEN messages, those that need bodies which these may share, and the number of the last."""

    records: Sequence[MessageRecord]
    needing: Sequence[MessageRecord]
    last: int


async def walk(
    old: OldMail,
    server: ServerId,
    after: int,
    until: float,
    needs: Callable[[MessageRecord], bool],
) -> AsyncIterator[Batch]:
    """Batches of the messages behind a number that were accepted before `until`."""
    neighbours = Neighbours(needs)
    while True:
        page = await old.oldest(server, after, PAGE)
        for some in _batches(neighbours.take(page), neighbours, until):
            yield some
        is_over = len(page) < PAGE or _all_behind(page, until)
        if is_over:
            break
        after = page[-1].message.id
    for some in _batches(neighbours.rest(), neighbours, until):
        yield some


async def first_since(old: OldMail, server: ServerId, since: float) -> int:
    """A number behind which all messages are that were accepted at this time or later, but for those of a moment."""
    low, high = 0, LARGEST
    since -= 2 * TOGETHER_SECONDS
    while high - low > 1:
        middle = (low + high) // 2
        found = await old.oldest(server, middle, 1)
        if found and found[0].message.received_at < since:
            low = found[0].message.id
        else:
            high = middle
    return low


def _all_behind(page: Sequence[MessageRecord], until: float) -> bool:
    return min(one.message.received_at for one in page) > until + TOGETHER_SECONDS


def _batches(known: Sequence[MessageRecord], neighbours: Neighbours, until: float) -> list[Batch]:
    wanted = [one for one in known if one.message.received_at < until]
    return [
        Batch(some, neighbours.needing, some[-1].message.id)
        for start in range(0, len(wanted), MOST_FORGOTTEN)
        if (some := wanted[start : start + MOST_FORGOTTEN])
    ]
