"""Operations on `/api/v2/me`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from posthorn_client.asking import Asking
from posthorn_client.models.me import (
    Me,
    MeToChange,
    OwnSession,
    OwnSessionPage,
    Passkey,
    PasskeyMade,
    PasskeyPage,
    PasskeyToMake,
    RecoveryCodes,
    TotpSecret,
    TotpToDisable,
    TotpToEnable,
)
from posthorn_client.paging import items
from posthorn_client.request import Request, part


class MeOperations(Asking):
    """Operations on `/api/v2/me`."""

    def show_me(self) -> Me:
        """Show the user who is signed in."""
        request = Request("GET", "/api/v2/me")
        answer: Me = self._json(request)
        return answer

    def change_me(self, body: MeToChange) -> Me:
        """Change oneself. Another password ends one's other sessions."""
        request = Request("PATCH", "/api/v2/me", body=body)
        answer: Me = self._json(request)
        return answer

    def list_my_sessions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> OwnSessionPage:
        """List one's sessions, newest first."""
        request = Request("GET", "/api/v2/me/sessions", query={"limit": limit, "cursor": cursor})
        answer: OwnSessionPage = self._json(request)
        return answer

    def all_my_sessions(self, *, limit: int = 100) -> Iterator[OwnSession]:
        """The items of all pages of `list_my_sessions`, each asked for when it is needed."""
        return items(lambda cursor: self.list_my_sessions(limit=limit, cursor=cursor))

    def end_my_other_sessions(self) -> None:
        """Sign out everywhere else."""
        request = Request("DELETE", "/api/v2/me/sessions")
        self._nothing(request)

    def end_my_session(self, id: int | str) -> None:
        """End one of one's sessions."""
        request = Request("DELETE", f"/api/v2/me/sessions/{part(id)}")
        self._nothing(request)

    def begin_totp(self, *, idempotency_key: str | None = None) -> TotpSecret:
        """Ask for a secret for an app that makes codes. The one in use stays so until a code of the new one came."""
        request = Request(
            "POST", "/api/v2/me/totp", can_repeat=True, idempotency_key=idempotency_key
        )
        answer: TotpSecret = self._json(request)
        return answer

    def enable_totp(self, body: TotpToEnable) -> RecoveryCodes:
        """Switch an app's codes on. It ends one's other sessions; the first factor brings recovery codes."""
        request = Request("PUT", "/api/v2/me/totp", body=body)
        answer: RecoveryCodes = self._json(request)
        return answer

    def disable_totp(self, body: TotpToDisable) -> None:
        """Switch an app's codes off."""
        request = Request("DELETE", "/api/v2/me/totp", body=body)
        self._nothing(request)

    def renew_recovery_codes(self, *, idempotency_key: str | None = None) -> RecoveryCodes:
        """Make ten new recovery codes; those from before work no more."""
        request = Request(
            "POST", "/api/v2/me/recovery-codes", can_repeat=True, idempotency_key=idempotency_key
        )
        answer: RecoveryCodes = self._json(request)
        return answer

    def list_passkeys(self, *, limit: int | None = None, cursor: str | None = None) -> PasskeyPage:
        """List one's passkeys, newest first."""
        request = Request("GET", "/api/v2/me/passkeys", query={"limit": limit, "cursor": cursor})
        answer: PasskeyPage = self._json(request)
        return answer

    def all_passkeys(self, *, limit: int = 100) -> Iterator[Passkey]:
        """The items of all pages of `list_passkeys`, each asked for when it is needed."""
        return items(lambda cursor: self.list_passkeys(limit=limit, cursor=cursor))

    def create_passkey(
        self, body: PasskeyToMake, *, idempotency_key: str | None = None
    ) -> PasskeyMade:
        """Make a passkey: first asked with nothing, for options to give the browser, then with what it made."""
        request = Request(
            "POST",
            "/api/v2/me/passkeys",
            body=body,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: PasskeyMade = self._json(request)
        return answer

    def remove_passkey(self, id: int | str) -> None:
        """Remove a passkey. With the last second factor the recovery codes go."""
        request = Request("DELETE", f"/api/v2/me/passkeys/{part(id)}")
        self._nothing(request)
