"""Operations on `/api/v2/domains`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.domains import (
    Domain,
    DomainPage,
    DomainToChange,
    DomainToMake,
    Verification,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class DomainsOperations(Asking):
    """Operations on `/api/v2/domains`."""

    def list_domains(
        self, *, limit: int | None = None, cursor: str | None = None, tenant: str | None = None
    ) -> DomainPage:
        """List the domains of a server and its organization, or of the organization, newest first.

        Needs the scope `domains:read`.
        """
        request = Request(
            "GET", "/api/v2/domains", query={"limit": limit, "cursor": cursor}, tenant=tenant
        )
        answer: DomainPage = self._json(request)
        return answer

    def all_domains(self, *, tenant: str | None = None, limit: int = 100) -> Iterator[Domain]:
        """The items of all pages of `list_domains`, each asked for when it is needed."""
        return items(lambda cursor: self.list_domains(limit=limit, cursor=cursor, tenant=tenant))

    def create_domain(
        self, body: DomainToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Domain:
        """Add a domain: its keys are made, its records are to be published.

        Needs the scope `domains:write`.
        """
        request = Request(
            "POST",
            "/api/v2/domains",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Domain = self._json(request)
        return answer

    def show_domain(self, name: str, *, tenant: str | None = None) -> Domain:
        """Show a domain: a server's own comes before its organization's.

        Needs the scope `domains:read`.
        """
        request = Request("GET", f"/api/v2/domains/{part(name)}", tenant=tenant)
        answer: Domain = self._json(request)
        return answer

    def change_domain(
        self, name: str, body: DomainToChange, *, tenant: str | None = None
    ) -> Domain:
        """Change a domain.

        Needs the scope `domains:write`. What operators alone set needs `installation:write`.
        """
        request = Request("PATCH", f"/api/v2/domains/{part(name)}", body=body, tenant=tenant)
        answer: Domain = self._json(request)
        return answer

    def remove_domain(self, name: str, *, tenant: str | None = None) -> None:
        """Remove a domain and its keys: mail from it is refused, within 30 seconds everywhere.

        While routes of its owner name it, it stays. Needs the scope `domains:write`.
        """
        request = Request("DELETE", f"/api/v2/domains/{part(name)}", tenant=tenant)
        self._nothing(request)

    def check_domain(
        self, name: str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Domain:
        """Look at what is published in DNS now, and remember it.

        At most 10 times in 60 seconds for what the path names. Needs the scope `domains:read`.
        """
        request = Request(
            "POST",
            f"/api/v2/domains/{part(name)}/check",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Domain = self._json(request)
        return answer

    def verify_domain(
        self,
        name: str,
        body: Verification,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> Domain:
        """Mail a code to the owner of a domain, or verify the domain by the code that was mailed.

        At most 5 codes in 3,600 seconds are mailed to an address. Needs the scope
        `domains:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/domains/{part(name)}/verify",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Domain = self._json(request)
        return answer

    def trust_domain(
        self, name: str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Domain:
        """Take a domain as verified and its records as published, without looking.

        Needs the scope `installation:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/domains/{part(name)}/trust",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Domain = self._json(request)
        return answer

    def rotate_domain(
        self, name: str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Domain:
        """Make the next keys of a domain: they sign once a check finds both of their records.

        Needs the scope `domains:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/domains/{part(name)}/rotate",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Domain = self._json(request)
        return answer
