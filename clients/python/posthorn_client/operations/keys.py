"""Operations on `/api/v2/keys`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.keys import (
    ManagementKey,
    ManagementKeyMade,
    ManagementKeyPage,
    ManagementKeyToChange,
    ManagementKeyToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class KeysOperations(Asking):
    """Operations on `/api/v2/keys`."""

    def list_keys(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> ManagementKeyPage:
        """List the management keys of the tenant, newest first.

        Needs the scope `people:read`. Without a tenant, for the installation, it needs
        `installation:read`.
        """
        request = Request(
            "GET", "/api/v2/keys", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: ManagementKeyPage = self._json(request)
        return answer

    def all_keys(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[ManagementKey]:
        """The items of all pages of `list_keys`, each asked for when it is needed."""
        return items(lambda cursor: self.list_keys(limit=limit, cursor=cursor, tenant=tenant))

    def create_key(
        self,
        body: ManagementKeyToMake,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> ManagementKeyMade:
        """Make a management key with what this one has at most.

        Needs the scope `people:write`. Without a tenant, for the installation, it needs
        `installation:write`.
        """
        request = Request(
            "POST",
            "/api/v2/keys",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: ManagementKeyMade = self._json(request)
        return answer

    def show_key(self, id: int | str, *, tenant: str | None = None) -> ManagementKey:
        """Show a management key.

        Needs the scope `people:read`. Without a tenant, for the installation, it needs
        `installation:read`.
        """
        request = Request("GET", f"/api/v2/keys/{part(id)}", tenant=tenant)
        answer: ManagementKey = self._json(request)
        return answer

    def change_key(
        self, id: int | str, body: ManagementKeyToChange, *, tenant: str | None = None
    ) -> ManagementKey:
        """Change name, networks or end of a management key.

        Needs the scope `people:write`. Without a tenant, for the installation, it needs
        `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/keys/{part(id)}", body=body, tenant=tenant)
        answer: ManagementKey = self._json(request)
        return answer

    def revoke_key(self, id: int | str, *, tenant: str | None = None) -> None:
        """Revoke a management key.

        Needs the scope `people:write`. Without a tenant, for the installation, it needs
        `installation:write`.
        """
        request = Request("DELETE", f"/api/v2/keys/{part(id)}", tenant=tenant)
        self._nothing(request)
