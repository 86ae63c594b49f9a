"""Operations on `/api/v2/sessions`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.sessions import Session, SessionToOpen
from posthorn_client.request import Request


class SessionsOperations(Asking):
    """Operations on `/api/v2/sessions`."""

    def open_session(self, body: SessionToOpen) -> Session:
        """Sign in. Where a second factor is needed, the answer is a problem with a ticket to be sent with one."""
        request = Request("POST", "/api/v2/sessions", body=body)
        answer: Session = self._json(request)
        return answer
