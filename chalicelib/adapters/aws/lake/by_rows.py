"""Messages looked at one after the other, where no term of a query narrows it: the columns that it asks about are read,
and the query judges."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import fields

from chalicelib.adapters.aws.lake.by_terms import Narrow
from chalicelib.adapters.aws.lake.footers import Footer, Footers
from chalicelib.adapters.aws.lake.tables import columns_for, findables
from chalicelib.adapters.aws.lake.walk import Step, Stretch, stretch, walk
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.query import Key, Query

FIRST_ROWS = 8_192
_ALL = tuple(one.name for one in fields(Findable))
_FIELDS: dict[Key, tuple[str, ...]] = {
    Key.WORD: ("subject",),
    Key.SUBJECT: ("subject",),
    Key.ADDRESS: ("mail_from", "rcpt_to"),
    Key.TO: ("rcpt_to",),
    Key.FROM: ("mail_from",),
    Key.STATUS: ("statuses", "wait"),
    Key.RECEIVED: (),
    Key.MSGID: ("message_id",),
    Key.ID: (),
    Key.TOKEN: ("token",),
    Key.DOMAIN: ("domain", "rcpt_to"),
    Key.META: ("metadata",),
    Key.SPAM: ("is_spam",),
    Key.BOUNCE: ("is_bounce",),
    Key.OPENED: ("is_opened",),
    Key.CLICKED: ("is_clicked",),
    Key.SIZE: ("size",),
    Key.TAG: ("tag",),
    Key.STREAM: ("stream",),
    Key.CAUSE: ("cause",),
    Key.PROVIDER: ("provider",),
}
"""What each key is judged by; all, for one that does not stand here."""


async def by_rows(
    footers: Footers, known: Sequence[Footer], narrow: Narrow, query: Query
) -> AsyncIterator[Step]:
    """Places of what is wanted, as the newest row tells of each message."""
    keys = {one.key for clause in query.clauses for one in clause.conditions}
    columns = columns_for(name for key in keys for name in _FIELDS.get(key, _ALL))

    async def load(one: Stretch) -> dict[int, Findable]:
        table = await footers.read(one.footer, one.group, columns)
        found: dict[int, Findable] = {}
        for each in findables(table):
            place = narrow.order.place(each.message)
            if each.server == narrow.server and narrow.order.is_behind(place):
                found[place] = _newer(found[place], each) if place in found else each
        return found

    async for step in walk(_stretches(known, narrow), load, _newer, FIRST_ROWS):
        places = [
            place
            for place, one in step.found.items()
            if narrow.scope in (None, one.scope) and holds(query, one)
        ]
        at = step.found[next(reversed(step.found))].received_at if step.found else None
        yield Step(places, step.until, len(step.found), step.rows, at)


def _stretches(known: Sequence[Footer], narrow: Narrow) -> list[Stretch]:
    since, until = narrow.times
    made = (
        stretch(narrow.order, footer, group)
        for footer in known
        for group in footer.groups
        if group.first <= narrow.server <= group.last
        and since <= group.until
        and group.since < until
    )
    return [one for one in made if one is not None]


def _newer(one: Findable, other: Findable) -> Findable:
    return one if one.version >= other.version else other
