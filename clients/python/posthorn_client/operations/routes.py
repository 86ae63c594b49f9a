"""Operations on `/api/v2/routes`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.emails_wholes import AcceptedEmail
from posthorn_client.models.routes import (
    MailRoute,
    MailToMatch,
    MailToSimulate,
    Matched,
    RoutePage,
    RouteToChange,
    RouteToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class RoutesOperations(Asking):
    """Operations on `/api/v2/routes`."""

    def list_routes(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> RoutePage:
        """List the routes of the server, by priority, then age.

        Needs the scope `routing:read`.
        """
        request = Request(
            "GET", "/api/v2/routes", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: RoutePage = self._json(request)
        return answer

    def all_routes(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[MailRoute]:
        """The items of all pages of `list_routes`, each asked for when it is needed."""
        return items(lambda cursor: self.list_routes(limit=limit, cursor=cursor, tenant=tenant))

    def create_route(
        self, body: RouteToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> MailRoute:
        """Make a route: it takes mail within 30 seconds everywhere.

        Needs the scope `routing:write`.
        """
        request = Request(
            "POST",
            "/api/v2/routes",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: MailRoute = self._json(request)
        return answer

    def match_routes(
        self, body: MailToMatch, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Matched:
        """Say which route would take a message, and what its sender would be told.

        Needs the scope `routing:read`.
        """
        request = Request(
            "POST",
            "/api/v2/routes/match",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Matched = self._json(request)
        return answer

    def show_route(self, id: int | str, *, tenant: str | None = None) -> MailRoute:
        """Show a route.

        Needs the scope `routing:read`.
        """
        request = Request("GET", f"/api/v2/routes/{part(id)}", tenant=tenant)
        answer: MailRoute = self._json(request)
        return answer

    def change_route(
        self, id: int | str, body: RouteToChange, *, tenant: str | None = None
    ) -> MailRoute:
        """Change a route.

        Needs the scope `routing:write`.
        """
        request = Request("PATCH", f"/api/v2/routes/{part(id)}", body=body, tenant=tenant)
        answer: MailRoute = self._json(request)
        return answer

    def delete_route(self, id: int | str, *, tenant: str | None = None) -> None:
        """Delete a route: mail for it is refused, within 30 seconds everywhere.

        Needs the scope `routing:write`.
        """
        request = Request("DELETE", f"/api/v2/routes/{part(id)}", tenant=tenant)
        self._nothing(request)

    def simulate_route(
        self,
        id: int | str,
        body: MailToSimulate,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> AcceptedEmail:
        """Have a message come in by a route, with a small attachment, as if somebody had sent it.

        At most 30 times in 60 seconds for what the path names. Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            f"/api/v2/routes/{part(id)}/simulate",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: AcceptedEmail = self._json(request)
        return answer
