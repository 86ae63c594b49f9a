"""Operations on `/api/v2/streams`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.streams import Stream, StreamPage, StreamToChange, StreamToMake
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class StreamsOperations(Asking):
    """Operations on `/api/v2/streams`."""

    def list_streams(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> StreamPage:
        """List the streams of the server: two that every server has, then the others by name.

        Needs the scope `suppressions:read`.
        """
        request = Request(
            "GET", "/api/v2/streams", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: StreamPage = self._json(request)
        return answer

    def all_streams(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Stream]:
        """The items of all pages of `list_streams`, each asked for when it is needed."""
        return items(lambda cursor: self.list_streams(limit=limit, cursor=cursor, tenant=tenant))

    def create_stream(
        self, body: StreamToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Stream:
        """Make a stream: mail may name it within 30 seconds everywhere.

        Needs the scope `suppressions:write`.
        """
        request = Request(
            "POST",
            "/api/v2/streams",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Stream = self._json(request)
        return answer

    def show_stream(self, name: str, *, tenant: str | None = None) -> Stream:
        """Show a stream.

        Needs the scope `suppressions:read`.
        """
        request = Request("GET", f"/api/v2/streams/{part(name)}", tenant=tenant)
        answer: Stream = self._json(request)
        return answer

    def change_stream(
        self, name: str, body: StreamToChange, *, tenant: str | None = None
    ) -> Stream:
        """Change a stream, for mail that comes from now on.

        Needs the scope `suppressions:write`. What operators alone set needs
        `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/streams/{part(name)}", body=body, tenant=tenant)
        answer: Stream = self._json(request)
        return answer

    def delete_stream(self, name: str, *, tenant: str | None = None) -> None:
        """Delete a stream: mail that names it still goes out, new mail is refused. One that has limits of rates is.

        Needs the scope `suppressions:write`.
        """
        request = Request("DELETE", f"/api/v2/streams/{part(name)}", tenant=tenant)
        self._nothing(request)
