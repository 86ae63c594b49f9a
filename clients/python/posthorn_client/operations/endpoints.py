"""Operations on `/api/v2/endpoints`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.endpoints import (
    Endpoint,
    EndpointPage,
    EndpointToChange,
    EndpointToMake,
    EndpointWithSecret,
    TestedEndpoint,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class EndpointsOperations(Asking):
    """Operations on `/api/v2/endpoints`."""

    def list_endpoints(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> EndpointPage:
        """List the endpoints of the server, newest first.

        Needs the scope `routing:read`.
        """
        request = Request(
            "GET", "/api/v2/endpoints", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: EndpointPage = self._json(request)
        return answer

    def all_endpoints(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Endpoint]:
        """The items of all pages of `list_endpoints`, each asked for when it is needed."""
        return items(lambda cursor: self.list_endpoints(limit=limit, cursor=cursor, tenant=tenant))

    def create_endpoint(
        self, body: EndpointToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EndpointWithSecret:
        """Make an endpoint. The secret of an HTTP one is in this answer alone.

        Needs the scope `routing:write`.
        """
        request = Request(
            "POST",
            "/api/v2/endpoints",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EndpointWithSecret = self._json(request)
        return answer

    def show_endpoint(self, id: int | str, *, tenant: str | None = None) -> Endpoint:
        """Show an endpoint.

        Needs the scope `routing:read`.
        """
        request = Request("GET", f"/api/v2/endpoints/{part(id)}", tenant=tenant)
        answer: Endpoint = self._json(request)
        return answer

    def change_endpoint(
        self, id: int | str, body: EndpointToChange, *, tenant: str | None = None
    ) -> Endpoint:
        """Change an endpoint; its type stays.

        Needs the scope `routing:write`.
        """
        request = Request("PATCH", f"/api/v2/endpoints/{part(id)}", body=body, tenant=tenant)
        answer: Endpoint = self._json(request)
        return answer

    def delete_endpoint(self, id: int | str, *, tenant: str | None = None) -> None:
        """Delete an endpoint. Routes that send to it reject; as an additional one it is left out.

        Needs the scope `routing:write`.
        """
        request = Request("DELETE", f"/api/v2/endpoints/{part(id)}", tenant=tenant)
        self._nothing(request)

    def enable_endpoint(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Endpoint:
        """Have routes send to an endpoint again.

        Needs the scope `routing:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/endpoints/{part(id)}/enable",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Endpoint = self._json(request)
        return answer

    def test_endpoint(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> TestedEndpoint:
        """Post a sample to an HTTP endpoint now, and show what it answers within 20 seconds.

        At most 30 times in 60 seconds for what the path names. Needs the scope `routing:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/endpoints/{part(id)}/test",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: TestedEndpoint = self._json(request)
        return answer

    def rotate_endpoint(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EndpointWithSecret:
        """Give an HTTP endpoint a new secret; the old one signs for 24 hours more.

        Needs the scope `routing:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/endpoints/{part(id)}/rotate",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EndpointWithSecret = self._json(request)
        return answer
