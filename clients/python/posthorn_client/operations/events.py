"""Operations on `/api/v2/events`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.events import EventBody, EventPage
from posthorn_client.models.webhooks import EventType
from posthorn_client.paging import items
from posthorn_client.request import Request


class EventsOperations(Asking):
    """Operations on `/api/v2/events`."""

    def list_events(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        type: EventType | None = None,
        since: str | None = None,
        tenant: str | None = None,
    ) -> EventPage:
        """List what happened during the last 24 hours, oldest first.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET",
            "/api/v2/events",
            query={"limit": limit, "cursor": cursor, "type": type, "since": since},
            tenant=tenant,
        )
        answer: EventPage = self._json(request)
        return answer

    def all_events(
        self,
        *,
        type: EventType | None = None,
        since: str | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[EventBody]:
        """The items of all pages of `list_events`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_events(
                limit=limit, cursor=cursor, type=type, since=since, tenant=tenant
            )
        )
