"""Operations on `/api/v2/suppressions`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.suppressions import Suppression, SuppressionCounts, SuppressionPage
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class SuppressionsOperations(Asking):
    """Operations on `/api/v2/suppressions`."""

    def list_suppressions(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        address: str | None = None,
        reason: Literal["hard_fails", "soft_fails", "bounce", "complaint", "unsubscribe", "manual"]
        | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
    ) -> SuppressionPage:
        """List the recipients that are not written to, newest first.

        Needs the scope `suppressions:read`.
        """
        request = Request(
            "GET",
            "/api/v2/suppressions",
            query={
                "limit": limit,
                "cursor": cursor,
                "address": address,
                "reason": reason,
                "since": since,
                "until": until,
            },
            tenant=tenant,
        )
        answer: SuppressionPage = self._json(request)
        return answer

    def all_suppressions(
        self,
        *,
        address: str | None = None,
        reason: Literal["hard_fails", "soft_fails", "bounce", "complaint", "unsubscribe", "manual"]
        | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[Suppression]:
        """The items of all pages of `list_suppressions`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_suppressions(
                limit=limit,
                cursor=cursor,
                address=address,
                reason=reason,
                since=since,
                until=until,
                tenant=tenant,
            )
        )

    def count_suppressions(self, *, tenant: str | None = None) -> SuppressionCounts:
        """Count the recipients that are not written to, by reason.

        Needs the scope `suppressions:read`.
        """
        request = Request("GET", "/api/v2/suppressions/counts", tenant=tenant)
        answer: SuppressionCounts = self._json(request)
        return answer

    def show_suppression(self, address: str, *, tenant: str | None = None) -> Suppression:
        """Show why a recipient is not written to.

        Needs the scope `suppressions:read`.
        """
        request = Request("GET", f"/api/v2/suppressions/{part(address)}", tenant=tenant)
        answer: Suppression = self._json(request)
        return answer
