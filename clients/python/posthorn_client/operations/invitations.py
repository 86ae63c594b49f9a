"""Operations on `/api/v2/invitations`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.invitations import (
    AcceptedInvitation,
    Invitation,
    InvitationMade,
    InvitationPage,
    InvitationToAccept,
    InvitationToMake,
    OfferedInvitation,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class InvitationsOperations(Asking):
    """Operations on `/api/v2/invitations`."""

    def list_invitations(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> InvitationPage:
        """List the invitations that have not ended, newest first.

        Needs the scope `people:read`.
        """
        request = Request(
            "GET", "/api/v2/invitations", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: InvitationPage = self._json(request)
        return answer

    def all_invitations(
        self, *, tenant: str | None = None, limit: int = 100
    ) -> Iterator[Invitation]:
        """The items of all pages of `list_invitations`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_invitations(limit=limit, cursor=cursor, tenant=tenant)
        )

    def create_invitation(
        self,
        body: InvitationToMake,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> InvitationMade:
        """Invite somebody: a link is mailed that works once, for a week. An older one to the address ends.

        Needs the scope `people:write`.
        """
        request = Request(
            "POST",
            "/api/v2/invitations",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: InvitationMade = self._json(request)
        return answer

    def withdraw_invitation(self, id: int | str, *, tenant: str | None = None) -> None:
        """Withdraw an invitation: its link works no more.

        Needs the scope `people:write`.
        """
        request = Request("DELETE", f"/api/v2/invitations/{part(id)}", tenant=tenant)
        self._nothing(request)

    def show_offered_invitation(self, token: str) -> OfferedInvitation:
        """Show what the link of an invitation offers."""
        request = Request("GET", f"/api/v2/invitations/by-token/{part(token)}")
        answer: OfferedInvitation = self._json(request)
        return answer

    def accept_invitation(self, token: str, body: InvitationToAccept) -> AcceptedInvitation:
        """Accept an invitation: as who is signed in, or as a new user with a password."""
        request = Request("POST", f"/api/v2/invitations/by-token/{part(token)}", body=body)
        answer: AcceptedInvitation = self._json(request)
        return answer
