"""What the claims of an ID token must say before somebody is believed (OpenID Connect Core section 3.1.3.7), and whom
they are about. Its signature is checked elsewhere, before this.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Expected:
    """What this token is for. `confirmed_since`: they must have signed in there at or after this moment; None:
    whenever."""

    issuer: str
    client_id: str
    nonce: str
    now: float
    confirmed_since: float | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider says it is. `email` is empty, or an address that it says is theirs."""

    issuer: str
    subject: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""


def fault_of(claims: Mapping[str, Any], expected: Expected) -> str:
    """Which claim is wrong; empty when the token is good."""
    checks = (
        ("iss", claims.get("iss") == expected.issuer),
        ("sub", _is_subject(claims.get("sub"))),
        ("aud", _is_for(claims, expected.client_id)),
        ("exp", _number(claims.get("exp")) > expected.now - LEEWAY_SECONDS),
        ("iat", 0 <= _number(claims.get("iat")) <= expected.now + LEEWAY_SECONDS),
        ("nbf", _number(claims.get("nbf", 0)) <= expected.now + LEEWAY_SECONDS),
        ("nonce", _is_same(claims.get("nonce"), expected.nonce)),
        ("auth_time", _is_recent(claims.get("auth_time"), expected)),
    )
    return next((name for name, is_right in checks if not is_right), "")


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Whom good claims are about."""
    email = claims.get("email")
    is_theirs = claims.get("email_verified") in (True, "true")  # some write it as text
    return Identity(
        claims["iss"],
        claims["sub"],
        email.strip() if isinstance(email, str) and is_theirs else "",
        _name(claims.get("given_name")),
        _name(claims.get("family_name")),
    )


def _is_subject(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_SUBJECT and value.isprintable()


def _is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", client_id if len(several) == 1 else None)
    return client_id in several and party == client_id


def _number(value: Any) -> float:
    """The number of a claim; one that no check lets pass for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e12 else float("nan")


def _is_same(value: Any, nonce: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(
        value.encode("utf-8", "replace"), nonce.encode()
    )


def _is_recent(value: Any, expected: Expected) -> bool:
    if expected.confirmed_since is None:
        return True
    return _number(value) >= expected.confirmed_since - LEEWAY_SECONDS


def _name(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(one for one in text if one.isprintable()).strip()[:_LONGEST_NAME]
