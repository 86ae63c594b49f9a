"""Operations on `/api/v2/track-domains`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.track_domains import (
    TrackDomain,
    TrackDomainPage,
    TrackDomainToChange,
    TrackDomainToMake,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class TrackDomainsOperations(Asking):
    """Operations on `/api/v2/track-domains`."""

    def list_track_domains(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> TrackDomainPage:
        """List the track domains of the server, newest first.

        Needs the scope `domains:read`.
        """
        request = Request(
            "GET", "/api/v2/track-domains", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: TrackDomainPage = self._json(request)
        return answer

    def all_track_domains(
        self, *, tenant: str | None = None, limit: int = 100
    ) -> Iterator[TrackDomain]:
        """The items of all pages of `list_track_domains`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_track_domains(limit=limit, cursor=cursor, tenant=tenant)
        )

    def create_track_domain(
        self,
        body: TrackDomainToMake,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> TrackDomain:
        """Add a track domain for a verified sending domain: its record is to be published.

        Needs the scope `domains:write`.
        """
        request = Request(
            "POST",
            "/api/v2/track-domains",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: TrackDomain = self._json(request)
        return answer

    def show_track_domain(self, name: str, *, tenant: str | None = None) -> TrackDomain:
        """Show a track domain.

        Needs the scope `domains:read`.
        """
        request = Request("GET", f"/api/v2/track-domains/{part(name)}", tenant=tenant)
        answer: TrackDomain = self._json(request)
        return answer

    def change_track_domain(
        self, name: str, body: TrackDomainToChange, *, tenant: str | None = None
    ) -> TrackDomain:
        """Switch what is tracked, and which hosts are excluded.

        Needs the scope `domains:write`.
        """
        request = Request("PATCH", f"/api/v2/track-domains/{part(name)}", body=body, tenant=tenant)
        answer: TrackDomain = self._json(request)
        return answer

    def remove_track_domain(self, name: str, *, tenant: str | None = None) -> None:
        """Remove a track domain: mail is no longer tracked. Links sent before work on.

        Needs the scope `domains:write`.
        """
        request = Request("DELETE", f"/api/v2/track-domains/{part(name)}", tenant=tenant)
        self._nothing(request)

    def check_track_domain(
        self, name: str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> TrackDomain:
        """Look at what is published in DNS now, and whether links with https work, and remember it.

        At most 10 times in 60 seconds for what the path names. Needs the scope `domains:read`.
        """
        request = Request(
            "POST",
            f"/api/v2/track-domains/{part(name)}/check",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: TrackDomain = self._json(request)
        return answer
