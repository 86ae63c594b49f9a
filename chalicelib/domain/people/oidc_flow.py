"""One way to a provider and back: authorization code with PKCE (RFC 7636, S256), `state` and `nonce`.

All three come from one random token that the browser keeps in a cookie, so that an answer is of use only to the browser
that asked, and nothing of it needs to be stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit

from chalicelib.domain.people.oidc_provider import Endpoints, OidcProvider

LONGEST_TOKEN = 200
FLOW_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Flow:
    """What belongs to one token."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (RFC 7636 section 4.2)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


def flow_of(token: str) -> Flow:
    """The flow of the browser that has this token."""
    key = token[:LONGEST_TOKEN].encode("utf-8", "surrogatepass")
    return Flow(
        *(_text(hmac.digest(key, name, "sha256")) for name in (b"state", b"nonce", b"pkce"))
    )


def asking_url(
    provider: OidcProvider, endpoints: Endpoints, flow: Flow, back: str, *, confirms: bool
) -> str:
    """Where the browser is sent. `confirms`: whoever is signed in there shows who they are once more."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": " ".join(dict.fromkeys(("openid", *provider.scopes))),
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": flow.challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if confirms else {}),
    }
    parts = urlsplit(endpoints.authorization)
    query = "&".join(filter(None, (parts.query, urlencode(asked, quote_via=quote))))
    return urlunsplit(parts._replace(query=query))


def token_request(
    provider: OidcProvider, endpoints: Endpoints, flow: Flow, back: str, code: str, secret: str
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Header fields and body that exchange a code for tokens."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": flow.verifier,
    }
    fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    if secret and not endpoints.posts_secret:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"  # RFC 6749 section 2.3.1
        fields.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    else:
        form |= {"client_id": provider.client_id} | ({"client_secret": secret} if secret else {})
    return tuple(fields), urlencode(form).encode()


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
