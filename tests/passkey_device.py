"""An authenticator and the browser in front of it, in software: makes passkeys (ES256) and shows them.

CBOR and authenticator data are written here, so that what the library reads was not written by it. Every part of an
answer can be made wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def octets(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def cbor(value: Any) -> bytes:
    """Of what attestations are made of: numbers, bytes, text and maps (RFC 8949)."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    pairs = b"".join(cbor(name) + cbor(one) for name, one in value.items())
    return _head(5, len(value)) + pairs


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    if number < 256:
        return bytes([kind << 5 | 24, number])
    return bytes([kind << 5 | 25]) + struct.pack(">H", number)


class Device:
    """One authenticator. `origin` is where its browser is; `counts`: whether it counts its uses."""

    def __init__(self, origin: str = "http://localhost:8000", *, counts: bool = True) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential = os.urandom(32)
        self.uses = 0
        self._counts = counts

    def make(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """What the browser sends for options to make a passkey."""
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        known = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cbor(cose)
        rp_id = wrong.get("rp_id", options["rp"]["id"])
        data = self._data(rp_id, PRESENT | VERIFIED | HAS_KEY) + known
        attestation = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], wrong)
        return self._answer(
            {"clientDataJSON": text(client), "attestationObject": text(attestation)}
        )

    def show(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """What the browser sends for options to show a passkey."""
        self.uses += 1
        flags = wrong.get("flags", PRESENT | VERIFIED)
        data = self._data(wrong.get("rp_id", options["rpId"]), flags)
        client = self._client("webauthn.get", options["challenge"], wrong)
        key = wrong.get("key", self.key)
        signature = key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(data),
                "signature": text(signature),
            }
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        count = self.uses if self._counts else 0
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", count)

    def _client(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        said = {
            "type": wrong.get("type", kind),
            "challenge": wrong.get("challenge", challenge),
            "origin": wrong.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = text(self.credential)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
