"""ID tokens and key sets as providers make them, written without the library that reads them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _number(value: int) -> str:
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def public_jwk(key: Private, kid: str | None = "k1", **more: Any) -> dict[str, Any]:
    """The public half, as a provider lists it."""
    named = {} if kid is None else {"kid": kid}
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), **named, **more}
    point = key.public_key().public_numbers()
    x, y = (text(each.to_bytes(32, "big")) for each in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **named, **more}


def signed(claims: Any, key: Private, kid: str | None = "k1", **header: Any) -> str:
    """A token: RS256 or ES256, by the key's kind, unless the header says something else."""
    said = {"alg": _algorithm(key), **({} if kid is None else {"kid": kid}), **header}
    body = f"{text(json.dumps(said).encode())}.{text(json.dumps(claims).encode())}"
    return f"{body}.{text(_signature(body.encode(), key))}"


def signed_by_secret(claims: Any, secret: bytes, kid: str = "k1") -> str:
    """A token by HMAC, which whoever checks could have made."""
    said = {"alg": "HS256", "kid": kid}
    body = f"{text(json.dumps(said).encode())}.{text(json.dumps(claims).encode())}"
    return f"{body}.{text(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def unsigned(claims: Any) -> str:
    head = text(json.dumps({"alg": "none"}).encode())
    return f"{head}.{text(json.dumps(claims).encode())}."


def _algorithm(key: Private) -> str:
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"


def _signature(octets: bytes, key: Private) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, PKCS1v15(), SHA256())
    pair = decode_dss_signature(key.sign(octets, ec.ECDSA(SHA256())))
    return b"".join(each.to_bytes(32, "big") for each in pair)


def private_jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """Both halves, as a provider keeps them."""
    of = key.private_numbers()
    names = {"d": of.d, "p": of.p, "q": of.q, "dp": of.dmp1, "dq": of.dmq1, "qi": of.iqmp}
    return public_jwk(key, kid, **more) | {name: _number(one) for name, one in names.items()}
