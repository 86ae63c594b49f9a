"""Operations on `/api/v2/statistics`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.statistics import ServerCounts
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
