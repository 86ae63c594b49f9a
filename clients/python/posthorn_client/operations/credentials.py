"""Operations on `/api/v2/credentials`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.credentials import (
    Credential,
    CredentialMade,
    CredentialPage,
    CredentialToChange,
    CredentialToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class CredentialsOperations(Asking):
    """Operations on `/api/v2/credentials`."""

    def list_credentials(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> CredentialPage:
        """List the credentials of the server, newest first.

        Needs the scope `servers:read`.
        """
        request = Request(
            "GET", "/api/v2/credentials", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: CredentialPage = self._json(request)
        return answer

    def all_credentials(
        self, *, tenant: str | None = None, limit: int = 100
    ) -> Iterator[Credential]:
        """The items of all pages of `list_credentials`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_credentials(limit=limit, cursor=cursor, tenant=tenant)
        )

    def create_credential(
        self,
        body: CredentialToMake,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> CredentialMade:
        """Make a credential. Its key is in this answer alone.

        Needs the scope `servers:write`.
        """
        request = Request(
            "POST",
            "/api/v2/credentials",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: CredentialMade = self._json(request)
        return answer

    def show_credential(self, id: int | str, *, tenant: str | None = None) -> Credential:
        """Show a credential.

        Needs the scope `servers:read`.
        """
        request = Request("GET", f"/api/v2/credentials/{part(id)}", tenant=tenant)
        answer: Credential = self._json(request)
        return answer

    def change_credential(
        self, id: int | str, body: CredentialToChange, *, tenant: str | None = None
    ) -> Credential:
        """Change a credential.

        Needs the scope `servers:write`.
        """
        request = Request("PATCH", f"/api/v2/credentials/{part(id)}", body=body, tenant=tenant)
        answer: Credential = self._json(request)
        return answer

    def revoke_credential(self, id: int | str, *, tenant: str | None = None) -> None:
        """Revoke a credential: it works no longer, within 30 seconds everywhere.

        Needs the scope `servers:write`.
        """
        request = Request("DELETE", f"/api/v2/credentials/{part(id)}", tenant=tenant)
        self._nothing(request)
