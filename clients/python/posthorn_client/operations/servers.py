"""Operations on `/api/v2/servers`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.organizations import Suspension
from posthorn_client.models.servers import (
    RetentionPreview,
    Server,
    ServerPage,
    ServerToChange,
    ServerToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class ServersOperations(Asking):
    """Operations on `/api/v2/servers`."""

    def list_servers(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        organization: str | None = None,
    ) -> ServerPage:
        """List the servers that the key reaches, newest first.

        Needs the scope `servers:read`.
        """
        request = Request(
            "GET",
            "/api/v2/servers",
            query={"limit": limit, "cursor": cursor, "organization": organization},
        )
        answer: ServerPage = self._json(request)
        return answer

    def all_servers(self, *, organization: str | None = None, limit: int = 100) -> Iterator[Server]:
        """The items of all pages of `list_servers`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_servers(limit=limit, cursor=cursor, organization=organization)
        )

    def create_server(self, body: ServerToMake, *, idempotency_key: str | None = None) -> Server:
        """Make a mail server.

        Needs the scope `servers:write`.
        """
        request = Request(
            "POST", "/api/v2/servers", body=body, can_repeat=True, idempotency_key=idempotency_key
        )
        answer: Server = self._json(request)
        return answer

    def show_server(self, organization: str, server: str) -> Server:
        """Show a mail server.

        Needs the scope `servers:read`.
        """
        request = Request("GET", f"/api/v2/servers/{part(organization)}/{part(server)}")
        answer: Server = self._json(request)
        return answer

    def change_server(self, organization: str, server: str, body: ServerToChange) -> Server:
        """Change a mail server.

        Needs the scope `servers:write`. What operators alone set needs `installation:write`.
        """
        request = Request(
            "PATCH", f"/api/v2/servers/{part(organization)}/{part(server)}", body=body
        )
        answer: Server = self._json(request)
        return answer

    def delete_server(self, organization: str, server: str, *, confirm: str | None = None) -> None:
        """Delete a mail server: gone for all at once, its data within a day.

        Needs the scope `servers:write`.
        """
        request = Request(
            "DELETE",
            f"/api/v2/servers/{part(organization)}/{part(server)}",
            query={"confirm": confirm},
        )
        self._nothing(request)

    def suspend_server(
        self,
        organization: str,
        server: str,
        body: Suspension,
        *,
        idempotency_key: str | None = None,
    ) -> Server:
        """Hold all mail of a server.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/servers/{part(organization)}/{part(server)}/suspend",
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Server = self._json(request)
        return answer

    def unsuspend_server(
        self, organization: str, server: str, *, idempotency_key: str | None = None
    ) -> Server:
        """Lift a server's own suspension; its organization's stays.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/servers/{part(organization)}/{part(server)}/unsuspend",
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Server = self._json(request)
        return answer

    def show_retention(
        self,
        organization: str,
        server: str,
        *,
        message_retention_days: int | Literal["forever"] | None = None,
        raw_message_retention_days: int | Literal["forever"] | None = None,
        raw_message_retention_size: int | Literal["unlimited"] | None = None,
    ) -> RetentionPreview:
        """Show what the next run of the retention would remove, by the server's settings or others. Nothing is done.

        Needs the scope `servers:read`.
        """
        request = Request(
            "GET",
            f"/api/v2/servers/{part(organization)}/{part(server)}/retention",
            query={
                "message_retention_days": message_retention_days,
                "raw_message_retention_days": raw_message_retention_days,
                "raw_message_retention_size": raw_message_retention_size,
            },
        )
        answer: RetentionPreview = self._json(request)
        return answer
