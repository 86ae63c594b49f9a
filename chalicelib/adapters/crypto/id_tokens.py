"""The `IdTokenCheck` port by the `joserfc` package, which is loaded when somebody first comes back from a provider.

The keys to try are chosen here: those that the token names, or all that fit where it names none. A key is never taken
for another algorithm's kind, and keys that whoever checks could sign with are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.ports.id_tokens import IdTokenCheck

LONGEST_TOKEN = 32_768
MOST_KEYS = 100
LEAST_RSA_TEXT = 342  # of a modulus of 2,048 bits, in base64url
_KIND = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
ALGORITHMS = tuple(f"{kind}{bits}" for kind in _KIND for bits in (256, 384, 512))


class JoserfcIdTokenCheck(IdTokenCheck):
    """Checks on the event loop: a check takes less than a millisecond."""

    def claims(self, token: str, keys: Mapping[str, Any]) -> dict[str, Any] | None:
        """See `chalicelib.ports.id_tokens.IdTokenCheck.claims`."""
        from joserfc import jws, jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import import_key

        if len(token) > LONGEST_TOKEN:
            return None
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            return None
        for key in _fitting(header, keys):
            try:
                found = jwt.decode(token, import_key(key), algorithms=[header["alg"]])
            except (JoseError, ValueError, TypeError):
                continue
            return dict(found.claims)
        return None


def _fitting(header: Mapping[str, Any], keys: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The keys by which a token with this header may have been signed."""
    listed, algorithm = keys.get("keys"), header.get("alg")
    if not isinstance(listed, list) or algorithm not in ALGORITHMS:
        return
    for key in listed[:MOST_KEYS]:
        if not isinstance(key, dict) or key.get("kty") != _KIND[algorithm[:2]]:
            continue
        if "kid" in header and key.get("kid") != header["kid"]:
            continue
        if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
            continue
        if key["kty"] == "RSA" and len(str(key.get("n", ""))) < LEAST_RSA_TEXT:
            continue
        yield {name: value for name, value in key.items() if name in _PUBLIC}


_PUBLIC = ("kty", "n", "e", "crv", "x", "y", "kid")
