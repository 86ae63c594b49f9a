"""Operations on `/api/v2/password-resets`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.password_resets import PasswordToChoose, PasswordToReset
from posthorn_client.request import Request, part


class PasswordResetsOperations(Asking):
    """Operations on `/api/v2/password-resets`."""

    def ask_for_password_reset(self, body: PasswordToReset) -> None:
        """Ask for a link to choose a new password. The answer is the same whether or not somebody has the address."""
        request = Request("POST", "/api/v2/password-resets", body=body)
        self._nothing(request)

    def reset_password(self, token: str, body: PasswordToChoose) -> None:
        """Choose the new password. The link works once, and all sessions end."""
        request = Request("PUT", f"/api/v2/password-resets/{part(token)}", body=body)
        self._nothing(request)
