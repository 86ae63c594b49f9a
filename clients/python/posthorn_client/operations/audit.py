"""Operations on `/api/v2/audit`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.audit import AuditEntry, AuditPage
from posthorn_client.paging import items
from posthorn_client.request import Request


class AuditOperations(Asking):
    """Operations on `/api/v2/audit`."""

    def list_audit(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        object: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
    ) -> AuditPage:
        """List who changed what, newest first.

        Needs the scope `audit:read`.
        """
        request = Request(
            "GET",
            "/api/v2/audit",
            query={
                "limit": limit,
                "cursor": cursor,
                "actor": actor,
                "action": action,
                "object": object,
                "since": since,
                "until": until,
            },
            tenant=tenant,
        )
        answer: AuditPage = self._json(request)
        return answer

    def all_audit(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        object: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[AuditEntry]:
        """The items of all pages of `list_audit`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_audit(
                limit=limit,
                cursor=cursor,
                actor=actor,
                action=action,
                object=object,
                since=since,
                until=until,
                tenant=tenant,
            )
        )
