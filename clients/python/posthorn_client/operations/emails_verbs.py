"""Operations on `/api/v2/emails/…`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.emails import EmailWithActivity
from posthorn_client.models.emails_verbs import (
    Conversation,
    DeliveryLog,
    EmailContent,
    Release,
    Replay,
)
from posthorn_client.models.emails_wholes import AcceptedEmail
from posthorn_client.request import Request, part


class EmailsVerbsOperations(Asking):
    """Operations on `/api/v2/emails/…`."""

    def show_raw_email(self, id: int | str, *, tenant: str | None = None) -> bytes:
        """The bytes of one message as accepted; of an incoming one with what inspection found in front.

        A message in UTF-8 is answered as message/rfc822 whatever Accept says. Another can only
        be given as application/octet-stream: 303 unless Accept begins with that type, and 406
        without it and `*/*`. Needs the scope `emails:read`.
        """
        request = Request("GET", f"/api/v2/emails/{part(id)}/raw", tenant=tenant)
        answer: bytes = self._octets(request)
        return answer

    def list_deliveries(self, id: int | str, *, tenant: str | None = None) -> DeliveryLog:
        """The log of one message, oldest first.

        Needs the scope `emails:read`.
        """
        request = Request("GET", f"/api/v2/emails/{part(id)}/deliveries", tenant=tenant)
        answer: DeliveryLog = self._json(request)
        return answer

    def show_content(self, id: int | str, *, tenant: str | None = None) -> EmailContent:
        """Show what is in one message: fields, texts, attachments.

        Needs the scope `emails:read`.
        """
        request = Request("GET", f"/api/v2/emails/{part(id)}/content", tenant=tenant)
        answer: EmailContent = self._json(request)
        return answer

    def show_conversation(
        self, id: int | str, delivery: str, *, tenant: str | None = None
    ) -> Conversation:
        """Show what was said in an attempt, for as long as content is kept.

        Needs the scope `emails:read`.
        """
        request = Request(
            "GET",
            f"/api/v2/emails/{part(id)}/deliveries/{part(delivery)}/conversation",
            tenant=tenant,
        )
        answer: Conversation = self._json(request)
        return answer

    def hold_email(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EmailWithActivity:
        """Hold a waiting message until somebody looks at it, or for 7 days.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/hold",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def release_email(
        self,
        id: int | str,
        body: Release,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> EmailWithActivity:
        """Send a held message now, past all that held it but a send limit; past a rate for operators alone.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/release",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def cancel_email(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EmailWithActivity:
        """End a held or waiting message without sending it.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/cancel",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def retry_email(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EmailWithActivity:
        """Try a waiting, held or failed message again now.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/retry",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def bounce_email(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> EmailWithActivity:
        """Give up a held or waiting message, as one that failed for good; the sender of a received one is told.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/bounce",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def replay_email(
        self,
        id: int | str,
        body: Replay,
        *,
        tenant: str | None = None,
        idempotency_key: str | None = None,
    ) -> EmailWithActivity:
        """Route a received message and hand it on once more, or hand it to another endpoint.

        Needs the scope `emails:write`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/replay",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: EmailWithActivity = self._json(request)
        return answer

    def resend_email(
        self, id: int | str, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> AcceptedEmail:
        """Send the content of a message once more, as a new message to the same recipient.

        Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            f"/api/v2/emails/{part(id)}/resend",
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: AcceptedEmail = self._json(request)
        return answer
