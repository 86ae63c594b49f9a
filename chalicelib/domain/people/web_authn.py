"""What browsers are asked for passkeys (WebAuthn level 3): options for making one and for showing one, as JSON.

A passkey is a second factor here, so that none is asked to stand in for the first: no user name lies in it, and how the
authenticator knows its owner is left to it. Nothing is asked about its make.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.people.passkeys import Passkey
from chalicelib.domain.people.users import User

CHALLENGE_BYTES = 32
_MILLISECONDS = 300_000  # as long as a ticket works
_ED25519, _ES256, _RS256 = -8, -7, -257
LOCAL = "localhost"


@dataclass(frozen=True, slots=True)
class Site:
    """To whom passkeys belong: the id of the relying party, and the origins at which its pages are."""

    rp_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator told of a passkey that it made: its id of it, the public key (COSE), the uses it counts."""

    credential: bytes
    public_key: bytes
    sign_count: int


def site_of(web_hostname: str, public_url: str) -> Site:
    """The site of an installation: `localhost` where its pages are plain HTTP on loopback, else the web hostname. What
    a request calls it never matters."""
    parts = urlsplit(public_url)
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        port = "" if parts.port in (None, 80) else f":{parts.port}"
        return Site(LOCAL, (f"http://{LOCAL}{port}",))
    origins = (f"{parts.scheme}://{parts.netloc}", f"https://{web_hostname}")
    return Site(web_hostname, tuple(dict.fromkeys(origins)))


def options_to_make(
    site: Site, name: str, user: User, challenge: bytes, present: Sequence[Passkey]
) -> dict[str, Any]:
    """For `navigator.credentials.create`; authenticators that hold one already are not asked."""
    called = f"{user.first_name} {user.last_name}".strip() or user.email
    return {
        "rp": {"id": site.rp_id, "name": name},
        "user": {"id": text_of(user.id.encode()), "name": user.email, "displayName": called},
        "challenge": text_of(challenge),
        "pubKeyCredParams": [
            {"type": "public-key", "alg": one} for one in (_ES256, _ED25519, _RS256)
        ],
        "timeout": _MILLISECONDS,
        "excludeCredentials": _described(present),
        "authenticatorSelection": {
            "residentKey": "discouraged",
            "requireResidentKey": False,
            "userVerification": "preferred",
        },
        "attestation": "none",
    }


def options_to_show(site: Site, challenge: bytes, present: Sequence[Passkey]) -> dict[str, Any]:
    """For `navigator.credentials.get`: one of these."""
    return {
        "challenge": text_of(challenge),
        "timeout": _MILLISECONDS,
        "rpId": site.rp_id,
        "allowCredentials": _described(present),
        "userVerification": "preferred",
    }


def text_of(octets: bytes) -> str:
    """Base64url without padding, as WebAuthn has bytes in JSON."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def bytes_of(text: str) -> bytes | None:
    """The bytes of such a text; None for what is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


def chosen(credential: Mapping[str, Any], present: Sequence[Passkey]) -> Passkey | None:
    """The passkey that a browser's answer says it is of."""
    named = credential.get("id")
    found = bytes_of(named) if isinstance(named, str) else None
    return next((one for one in present if one.credential == found), None)


def _described(passkeys: Sequence[Passkey]) -> list[dict[str, Any]]:
    return [
        {
            "type": "public-key",
            "id": text_of(one.credential),
            **({"transports": list(one.transports)} if one.transports else {}),
        }
        for one in passkeys
    ]


def _is_loopback(host: str) -> bool:
    if host == LOCAL:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
