"""Operations on `/api/v2/me`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.me import Me, MeToChange, OwnSession, OwnSessionPage
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class MeOperations(Asking):
    """Operations on `/api/v2/me`."""

    def show_me(self) -> Me:
        """Show the user who is signed in."""
        request = Request("GET", "/api/v2/me")
        answer: Me = self._json(request)
        return answer

    def change_me(self, body: MeToChange) -> Me:
        """Change oneself. Another password ends one's other sessions."""
        request = Request("PATCH", "/api/v2/me", body=body)
        answer: Me = self._json(request)
        return answer

    def list_my_sessions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> OwnSessionPage:
        """List one's sessions, newest first."""
        request = Request("GET", "/api/v2/me/sessions", query={"limit": limit, "cursor": cursor})
        answer: OwnSessionPage = self._json(request)
        return answer

    def all_my_sessions(self, *, limit: int = 100) -> Iterator[OwnSession]:
        """The items of all pages of `list_my_sessions`, each asked for when it is needed."""
        return items(lambda cursor: self.list_my_sessions(limit=limit, cursor=cursor))

    def end_my_other_sessions(self) -> None:
        """Sign out everywhere else."""
        request = Request("DELETE", "/api/v2/me/sessions")
        self._nothing(request)

    def end_my_session(self, id: int | str) -> None:
        """End one of one's sessions."""
        request = Request("DELETE", f"/api/v2/me/sessions/{part(id)}")
        self._nothing(request)
