"""Operations on `/api/v2/statistics`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.statistics import Cause, CausePage, ServerCounts
from posthorn_client.paging import items
from posthorn_client.request import Request


class StatisticsOperations(Asking):
    """Operations on `/api/v2/statistics`."""

    def show_statistics(
        self,
        *,
        period: Literal["minute", "hour", "day", "month"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        group_by: Literal[
            "tag",
            "domain",
            "provider",
            "stream",
            "credential",
            "cause",
            "sender_domain",
            "route",
            "webhook",
        ]
        | None = None,
        only: str | None = None,
        limit: int | None = None,
        tenant: str | None = None,
    ) -> ServerCounts:
        """Count what happened to messages of a server, or of all of an organization, by minute, hour, day or month.

        Needs the scope `statistics:read`.
        """
        request = Request(
            "GET",
            "/api/v2/statistics",
            query={
                "period": period,
                "from": from_,
                "to": to,
                "group_by": group_by,
                "only": only,
                "limit": limit,
            },
            tenant=tenant,
        )
        answer: ServerCounts = self._json(request)
        return answer

    def list_causes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        direction: Literal["outgoing", "incoming"] | None = None,
        tenant: str | None = None,
    ) -> CausePage:
        """List why mail failed, the most frequent reasons first.

        Needs the scope `statistics:read`.
        """
        request = Request(
            "GET",
            "/api/v2/statistics/causes",
            query={
                "limit": limit,
                "cursor": cursor,
                "from": from_,
                "to": to,
                "direction": direction,
            },
            tenant=tenant,
        )
        answer: CausePage = self._json(request)
        return answer

    def all_causes(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        direction: Literal["outgoing", "incoming"] | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[Cause]:
        """The items of all pages of `list_causes`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_causes(
                limit=limit, cursor=cursor, from_=from_, to=to, direction=direction, tenant=tenant
            )
        )
