"""Operations on `/api/v2/reports`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.emails_wholes import Report
from posthorn_client.models.reports import ReportPage
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class ReportsOperations(Asking):
    """Operations on `/api/v2/reports`."""

    def list_reports(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kind: Literal["bounce", "delay", "complaint", "auto_reply"] | None = None,
        cause: str | None = None,
        email: int | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
    ) -> ReportPage:
        """List what came back about messages, newest first.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET",
            "/api/v2/reports",
            query={
                "limit": limit,
                "cursor": cursor,
                "kind": kind,
                "cause": cause,
                "email": email,
                "since": since,
                "until": until,
            },
            tenant=tenant,
        )
        answer: ReportPage = self._json(request)
        return answer

    def all_reports(
        self,
        *,
        kind: Literal["bounce", "delay", "complaint", "auto_reply"] | None = None,
        cause: str | None = None,
        email: int | None = None,
        since: str | None = None,
        until: str | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[Report]:
        """The items of all pages of `list_reports`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_reports(
                limit=limit,
                cursor=cursor,
                kind=kind,
                cause=cause,
                email=email,
                since=since,
                until=until,
                tenant=tenant,
            )
        )

    def show_report(self, id: int | str, *, tenant: str | None = None) -> Report:
        """Show one report.

        Needs the scope `emails:read`.
        """
        request = Request("GET", f"/api/v2/reports/{part(id)}", tenant=tenant)
        answer: Report = self._json(request)
        return answer
