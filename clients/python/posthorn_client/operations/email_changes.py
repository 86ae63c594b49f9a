"""Operations on `/api/v2/email-changes`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.email_changes import Following
from posthorn_client.request import Request, part


class EmailChangesOperations(Asking):
    """Operations on `/api/v2/email-changes`."""

    def confirm_email_change(self, token: str, body: Following) -> None:
        """Confirm a new address by the link that went to it. All sessions end."""
        request = Request("PUT", f"/api/v2/email-changes/{part(token)}", body=body)
        self._nothing(request)
