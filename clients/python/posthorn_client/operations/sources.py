"""Operations on `/api/v2/sources`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.pools import Source
from posthorn_client.models.sources import (
    SourcePage,
    SourceSuspension,
    SourceToChange,
    SourceToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class SourcesOperations(Asking):
    """Operations on `/api/v2/sources`."""

    def list_sources(
        self, *, limit: int | None = None, cursor: str | None = None, pool: str | None = None
    ) -> SourcePage:
        """List the sources, by pool and name.

        Needs the scope `installation:read`.
        """
        request = Request(
            "GET", "/api/v2/sources", query={"limit": limit, "cursor": cursor, "pool": pool}
        )
        answer: SourcePage = self._json(request)
        return answer

    def all_sources(self, *, pool: str | None = None, limit: int = 100) -> Iterator[Source]:
        """The items of all pages of `list_sources`, each asked for when it is needed."""
        return items(lambda cursor: self.list_sources(limit=limit, cursor=cursor, pool=pool))

    def create_source(self, body: SourceToMake, *, idempotency_key: str | None = None) -> Source:
        """Add a way out to a pool: mail takes it within half a minute.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST", "/api/v2/sources", body=body, can_repeat=True, idempotency_key=idempotency_key
        )
        answer: Source = self._json(request)
        return answer

    def show_source(self, name: str, *, pool: str | None = None) -> Source:
        """Show a source.

        Needs the scope `installation:read`.
        """
        request = Request("GET", f"/api/v2/sources/{part(name)}", query={"pool": pool})
        answer: Source = self._json(request)
        return answer

    def change_source(self, name: str, body: SourceToChange, *, pool: str | None = None) -> Source:
        """Change a source.

        Needs the scope `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/sources/{part(name)}", query={"pool": pool}, body=body)
        answer: Source = self._json(request)
        return answer

    def remove_source(self, name: str, *, pool: str | None = None) -> None:
        """Remove a source: mail goes by the others of its pool. On one host a pool goes with its last source.

        Needs the scope `installation:write`.
        """
        request = Request("DELETE", f"/api/v2/sources/{part(name)}", query={"pool": pool})
        self._nothing(request)

    def suspend_source(
        self,
        name: str,
        body: SourceSuspension,
        *,
        pool: str | None = None,
        idempotency_key: str | None = None,
    ) -> Source:
        """Send nothing from a source for a time.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/sources/{part(name)}/suspend",
            query={"pool": pool},
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Source = self._json(request)
        return answer

    def resume_source(
        self, name: str, *, pool: str | None = None, idempotency_key: str | None = None
    ) -> Source:
        """End a source's suspension.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/sources/{part(name)}/resume",
            query={"pool": pool},
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Source = self._json(request)
        return answer
