"""Operations on `/api/v2/suppressions`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.suppressions import (
    Suppression,
    SuppressionCounts,
    SuppressionPage,
    SuppressionToAdd,
)
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
        scope: Literal["organization", "server", "stream"] | None = None,
        stream: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
    ) -> SuppressionPage:
        """List the recipients that are not written to, newest first: a server's, its streams' and its organization's.

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
                "scope": scope,
                "stream": stream,
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
        scope: Literal["organization", "server", "stream"] | None = None,
        stream: str | None = None,
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
                scope=scope,
                stream=stream,
                since=since,
                until=until,
                tenant=tenant,
            )
        )

    def add_suppression(
        self,
        body: SuppressionToAdd,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> Suppression:
        """List a recipient, or renew its entry: the later end wins.

        Needs the scope `suppressions:write`.
        """
        request = Request(
            "POST",
            "/api/v2/suppressions",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Suppression = self._json(request)
        return answer

    def count_suppressions(self, *, tenant: str | None = None) -> SuppressionCounts:
        """Count the recipients that are not written to, by reason.

        Needs the scope `suppressions:read`.
        """
        request = Request("GET", "/api/v2/suppressions/counts", tenant=tenant)
        answer: SuppressionCounts = self._json(request)
        return answer

    def show_suppression(
        self,
        address: str,
        *,
        scope: Literal["organization", "server", "stream"] | None = None,
        stream: str | None = None,
        tenant: str | None = None,
    ) -> Suppression:
        """Show why a recipient is not written to: the server's entry, or else a stream's, or else the organization's.

        Needs the scope `suppressions:read`.
        """
        request = Request(
            "GET",
            f"/api/v2/suppressions/{part(address)}",
            query={"scope": scope, "stream": stream},
            tenant=tenant,
        )
        answer: Suppression = self._json(request)
        return answer

    def delete_suppression(
        self,
        address: str,
        *,
        scope: Literal["organization", "server", "stream"] | None = None,
        stream: str | None = None,
        note: str | None = None,
        tenant: str | None = None,
    ) -> None:
        """Take a recipient off the tenant's own list, or off that of a stream.

        Needs the scope `suppressions:write`.
        """
        request = Request(
            "DELETE",
            f"/api/v2/suppressions/{part(address)}",
            query={"scope": scope, "stream": stream, "note": note},
            tenant=tenant,
        )
        self._nothing(request)
