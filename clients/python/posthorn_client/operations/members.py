"""Operations on `/api/v2/members`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.members import Member, MemberPage, MemberToAdd, MemberToChange
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class MembersOperations(Asking):
    """Operations on `/api/v2/members`."""

    def list_members(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> MemberPage:
        """List the members of the organization, newest first.

        Needs the scope `people:read`.
        """
        request = Request(
            "GET", "/api/v2/members", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: MemberPage = self._json(request)
        return answer

    def all_members(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Member]:
        """The items of all pages of `list_members`, each asked for when it is needed."""
        return items(lambda cursor: self.list_members(limit=limit, cursor=cursor, tenant=tenant))

    def add_member(
        self, body: MemberToAdd, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Member:
        """Make a user a member without an invitation.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            "/api/v2/members",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Member = self._json(request)
        return answer

    def change_member(
        self, user: str, body: MemberToChange, *, tenant: str | None = None
    ) -> Member:
        """Change what a member may.

        Needs the scope `people:write`.
        """
        request = Request("PATCH", f"/api/v2/members/{part(user)}", body=body, tenant=tenant)
        answer: Member = self._json(request)
        return answer

    def remove_member(self, user: str, *, tenant: str | None = None) -> None:
        """Remove a member, or leave; the last owner stays.

        Anyone may leave; removing others needs the scope `people:write`. Needs the scope
        `people:read`.
        """
        request = Request("DELETE", f"/api/v2/members/{part(user)}", tenant=tenant)
        self._nothing(request)
