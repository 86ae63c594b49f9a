"""Operations on `/api/v2/searches`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.searches import (
    SavedSearch,
    SavedSearchPage,
    SavedSearchToChange,
    SavedSearchToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class SearchesOperations(Asking):
    """Operations on `/api/v2/searches`."""

    def list_searches(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> SavedSearchPage:
        """List the saved searches of the server, newest first: one's own and the shared ones.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET", "/api/v2/searches", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: SavedSearchPage = self._json(request)
        return answer

    def all_searches(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[SavedSearch]:
        """The items of all pages of `list_searches`, each asked for when it is needed."""
        return items(lambda cursor: self.list_searches(limit=limit, cursor=cursor, tenant=tenant))

    def create_search(
        self,
        body: SavedSearchToMake,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> SavedSearch:
        """Save a search. A key saves only what is shared.

        Needs the scope `emails:read`.
        """
        request = Request(
            "POST",
            "/api/v2/searches",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: SavedSearch = self._json(request)
        return answer

    def change_search(
        self, id: int | str, body: SavedSearchToChange, *, tenant: str | None = None
    ) -> SavedSearch:
        """Change a saved search.

        Needs the scope `emails:read`.
        """
        request = Request("PATCH", f"/api/v2/searches/{part(id)}", body=body, tenant=tenant)
        answer: SavedSearch = self._json(request)
        return answer

    def delete_search(self, id: int | str, *, tenant: str | None = None) -> None:
        """Delete a saved search.

        Needs the scope `emails:read`.
        """
        request = Request("DELETE", f"/api/v2/searches/{part(id)}", tenant=tenant)
        self._nothing(request)
