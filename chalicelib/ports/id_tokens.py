"""Signatures of ID tokens, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class IdTokenCheck(Protocol):
    """The public-key step of OpenID Connect."""

    def claims(self, token: str, keys: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a token (JWS compact, RFC 7515) says when one of the keys of a JWK set (RFC 7517) made it; None when
        none did, whatever token and keys are. Only signatures by private keys count."""
