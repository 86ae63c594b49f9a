"""Operations on `/api/v2/users`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.users import User, UserPage, UserToChange, UserToMake
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class UsersOperations(Asking):
    """Operations on `/api/v2/users`."""

    def list_users(
        self, *, limit: int | None = None, cursor: str | None = None, q: str | None = None
    ) -> UserPage:
        """List the users of the installation, newest first.

        Needs the scope `installation:read`.
        """
        request = Request("GET", "/api/v2/users", query={"limit": limit, "cursor": cursor, "q": q})
        answer: UserPage = self._json(request)
        return answer

    def all_users(self, *, q: str | None = None, limit: int = 100) -> Iterator[User]:
        """The items of all pages of `list_users`, each asked for when it is needed."""
        return items(lambda cursor: self.list_users(limit=limit, cursor=cursor, q=q))

    def create_user(self, body: UserToMake, *, idempotency_key: str | None = None) -> User:
        """Make a user.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST", "/api/v2/users", body=body, can_repeat=True, idempotency_key=idempotency_key
        )
        answer: User = self._json(request)
        return answer

    def show_user(self, id: int | str) -> User:
        """Show a user.

        Needs the scope `installation:read`.
        """
        request = Request("GET", f"/api/v2/users/{part(id)}")
        answer: User = self._json(request)
        return answer

    def change_user(self, id: int | str, body: UserToChange) -> User:
        """Change a user. A change of what proves them, or of `admin`, ends their sessions.

        Needs the scope `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/users/{part(id)}", body=body)
        answer: User = self._json(request)
        return answer

    def remove_user(self, id: int | str) -> None:
        """Remove a user, with what is theirs alone; not oneself, nor the last owner of an organization.

        Needs the scope `installation:write`.
        """
        request = Request("DELETE", f"/api/v2/users/{part(id)}")
        self._nothing(request)

    def sign_out_user(self, id: int | str) -> None:
        """End all sessions of a user.

        Needs the scope `installation:write`.
        """
        request = Request("DELETE", f"/api/v2/users/{part(id)}/sessions")
        self._nothing(request)

    def reset_user_factors(self, id: int | str) -> None:
        """Take all second factors from a user, who is told by mail.

        Needs the scope `installation:write`.
        """
        request = Request("DELETE", f"/api/v2/users/{part(id)}/factors")
        self._nothing(request)
