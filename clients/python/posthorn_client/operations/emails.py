"""Operations on `/api/v2/emails`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from posthorn_client.asking import Asking
from posthorn_client.models.emails import (
    BatchResults,
    Email,
    EmailPage,
    EmailToSend,
    EmailWithActivity,
    Reschedule,
)
from posthorn_client.models.emails_wholes import AcceptedEmail
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class EmailsOperations(Asking):
    """Operations on `/api/v2/emails`."""

    def send_email(
        self, body: EmailToSend, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> AcceptedEmail:
        """Send one message to one or more recipients.

        Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            "/api/v2/emails",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: AcceptedEmail = self._json(request)
        return answer

    def list_emails(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        q: str | None = None,
        to: str | None = None,
        status: Literal["held", "queued", "scheduled", "failed", "bounced"] | None = None,
        direction: Literal["outgoing", "incoming"] | None = None,
        request_: int | None = None,
        tenant: str | None = None,
    ) -> EmailPage:
        """List messages, newest first, or search for them.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET",
            "/api/v2/emails",
            query={
                "limit": limit,
                "cursor": cursor,
                "q": q,
                "to": to,
                "status": status,
                "direction": direction,
                "request": request_,
            },
            tenant=tenant,
        )
        answer: EmailPage = self._json(request)
        return answer

    def all_emails(
        self,
        *,
        q: str | None = None,
        to: str | None = None,
        status: Literal["held", "queued", "scheduled", "failed", "bounced"] | None = None,
        direction: Literal["outgoing", "incoming"] | None = None,
        request_: int | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> Iterator[Email]:
        """The items of all pages of `list_emails`, each asked for when it is needed."""
        return items(
            lambda cursor: self.list_emails(
                limit=limit,
                cursor=cursor,
                q=q,
                to=to,
                status=status,
                direction=direction,
                request_=request_,
                tenant=tenant,
            )
        )

    def send_batch(
        self,
        body: list[EmailToSend],
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchResults:
        """Send up to 100 messages, each accepted or rejected by itself.

        Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            "/api/v2/emails/batch",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: BatchResults = self._json(request)
        return answer

    def send_test(
        self, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> AcceptedEmail:
        """Send oneself a first message, from the installation's own address; for people, who have one.

        At most 30 times in 60 seconds for what the path names. Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            "/api/v2/emails/test",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: AcceptedEmail = self._json(request)
        return answer

    def show_email(self, id: int | str, *, tenant: str | None = None) -> EmailWithActivity:
        """Show one message and where it stands.

        Needs the scope `emails:read`.
        """
        request = Request("GET", f"/api/v2/emails/{part(id)}", tenant=tenant)
        answer: EmailWithActivity = self._json(request)
        return answer

    def reschedule_email(
        self, id: int | str, body: Reschedule, *, tenant: str | None = None
    ) -> Email:
        """Send a scheduled message at another time.

        Needs the scope `emails:write`.
        """
        request = Request("PATCH", f"/api/v2/emails/{part(id)}", body=body, tenant=tenant)
        answer: Email = self._json(request)
        return answer

    def show_attachment(self, id: int | str, index: str, *, tenant: str | None = None) -> bytes:
        """The bytes of one attachment, as a file.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET", f"/api/v2/emails/{part(id)}/attachments/{part(index)}", tenant=tenant
        )
        answer: bytes = self._octets(request)
        return answer
