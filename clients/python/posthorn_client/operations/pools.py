"""Operations on `/api/v2/pools`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.pools import Pool, PoolPage, PoolToChange
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class PoolsOperations(Asking):
    """Operations on `/api/v2/pools`."""

    def list_pools(self, *, limit: int | None = None, cursor: str | None = None) -> PoolPage:
        """List the pools, by name.

        Needs the scope `installation:read`.
        """
        request = Request("GET", "/api/v2/pools", query={"limit": limit, "cursor": cursor})
        answer: PoolPage = self._json(request)
        return answer

    def all_pools(self, *, limit: int = 100) -> Iterator[Pool]:
        """The items of all pages of `list_pools`, each asked for when it is needed."""
        return items(lambda cursor: self.list_pools(limit=limit, cursor=cursor))

    def change_pool(self, name: str, body: PoolToChange) -> Pool:
        """Say which pool is the default one, and which organizations may have a pool.

        Needs the scope `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/pools/{part(name)}", body=body)
        answer: Pool = self._json(request)
        return answer
