"""Answers of authenticators, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chalicelib.domain.people.passkeys import Passkey
from chalicelib.domain.people.web_authn import NewPasskey, Site


class PasskeyCheck(Protocol):
    """The checks of a relying party (WebAuthn sections 7.1 and 7.2), of what a browser sends as JSON: whatever that is,
    it holds or does not."""

    def made(
        self, credential: Mapping[str, Any], challenge: bytes, site: Site
    ) -> NewPasskey | None:
        """What an authenticator made for this challenge at this site; None when it did not."""

    def shown(
        self, credential: Mapping[str, Any], challenge: bytes, site: Site, passkey: Passkey
    ) -> int | None:
        """How often a passkey has been used, this time included, when it answers this challenge at this site; None when
        it does not, or counts less than before."""
