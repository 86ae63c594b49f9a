"""Operations on `/api/v2/session`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.session import Confirmation
from posthorn_client.models.sessions import Session
from posthorn_client.request import Request


class SessionOperations(Asking):
    """Operations on `/api/v2/session`."""

    def show_session(self) -> Session:
        """Show the present session, and what its user is a member of."""
        request = Request("GET", "/api/v2/session")
        answer: Session = self._json(request)
        return answer

    def end_session(self) -> None:
        """Sign out."""
        request = Request("DELETE", "/api/v2/session")
        self._nothing(request)

    def confirm_session(self, body: Confirmation, *, idempotency_key: str | None = None) -> None:
        """Show once more who one is, for what needs it; it counts for ten minutes."""
        request = Request(
            "POST",
            "/api/v2/session/confirm",
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        self._nothing(request)
