"""AES-256-GCM as the key vaults use it: nonce in front, the context as associated data.

Promises that a secret opens only with the same key and the same context. Rotation and storage of keys are the vaults'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from chalicelib.domain.errors import PermanentFailure

NONCE_BYTES = 12


def seal_with(key: bytes, nonce: bytes, secret: bytes, context: Mapping[str, str]) -> bytes:
    """Nonce and ciphertext of a secret. A nonce must never be used twice with one key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return nonce + AESGCM(key).encrypt(nonce, secret, _associated(context))


def open_with(key: bytes, sealed: bytes, context: Mapping[str, str]) -> bytes:
    """The secret; PermanentFailure for another key, another context or damaged bytes."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < NONCE_BYTES:
        raise PermanentFailure("A stored secret cannot be opened")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated(context))
    except InvalidTag as error:
        raise PermanentFailure("A stored secret cannot be opened") from error


def _associated(context: Mapping[str, str]) -> bytes:
    return json.dumps(dict(context), sort_keys=True, separators=(",", ":")).encode()
