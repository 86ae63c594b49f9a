"""Operations on `/api/v2/organizations`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.organizations import (
    Organization,
    OrganizationPage,
    OrganizationToChange,
    OrganizationToMake,
    Suspension,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class OrganizationsOperations(Asking):
    """Operations on `/api/v2/organizations`."""

    def list_organizations(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> OrganizationPage:
        """List the organizations that the key reaches, newest first.

        Needs the scope `people:read`.
        """
        request = Request("GET", "/api/v2/organizations", query={"limit": limit, "cursor": cursor})
        answer: OrganizationPage = self._json(request)
        return answer

    def all_organizations(self, *, limit: int = 100) -> Iterator[Organization]:
        """The items of all pages of `list_organizations`, each asked for when it is needed."""
        return items(lambda cursor: self.list_organizations(limit=limit, cursor=cursor))

    def create_organization(
        self, body: OrganizationToMake, *, idempotency_key: str | None = None
    ) -> Organization:
        """Make an organization.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            "/api/v2/organizations",
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Organization = self._json(request)
        return answer

    def show_organization(self, organization: str) -> Organization:
        """Show an organization.

        Needs the scope `people:read`.
        """
        request = Request("GET", f"/api/v2/organizations/{part(organization)}")
        answer: Organization = self._json(request)
        return answer

    def change_organization(self, organization: str, body: OrganizationToChange) -> Organization:
        """Change an organization.

        Needs the scope `people:write`. What operators alone set needs `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/organizations/{part(organization)}", body=body)
        answer: Organization = self._json(request)
        return answer

    def delete_organization(self, organization: str, *, confirm: str | None = None) -> None:
        """Delete an organization with all its servers: gone for all at once, its data within a day.

        For owners and operators. Needs the scope `people:write`. What operators alone set needs
        `installation:write`.
        """
        request = Request(
            "DELETE", f"/api/v2/organizations/{part(organization)}", query={"confirm": confirm}
        )
        self._nothing(request)

    def suspend_organization(
        self, organization: str, body: Suspension, *, idempotency_key: str | None = None
    ) -> Organization:
        """Hold all mail of an organization's servers.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/organizations/{part(organization)}/suspend",
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Organization = self._json(request)
        return answer

    def unsuspend_organization(
        self, organization: str, *, idempotency_key: str | None = None
    ) -> Organization:
        """Lift the suspension of an organization; its servers' own stay.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/organizations/{part(organization)}/unsuspend",
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Organization = self._json(request)
        return answer
