"""Secrets sealed under a KMS key by envelope: AES-256-GCM with a data key, the wrapped data key in front.

    sealed = version (1 byte) · length of the wrapped key (2 bytes) · wrapped key · nonce (12) · ciphertext and tag

A process makes one data key an hour and keeps unwrapped ones for five minutes, so KMS is asked a few times an hour, not
once a secret. The context is associated data: a sealed secret moved to another place does not open there. It does not
protect secrets from code that runs with the function's own permissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.crypto.sealing import NONCE_BYTES, open_with, seal_with
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault

_VERSION = 1
_HEAD_BYTES = 3
_MAKE_SECONDS = 3_600
_KEEP_SECONDS = 300
_KEEP_KEYS = 100
_PURPOSE = {"purpose": "posthorn"}
_NOT_OURS = ("InvalidCiphertextException", "IncorrectKeyException", "ValidationException")


@dataclass(frozen=True, slots=True)
class _DataKey:
    key: bytes
    wrapped: bytes
    at: float


class KmsKeyVault(KeyVault):
    """The `KeyVault` port over one KMS key, named by its alias."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock, rand: Rand) -> None:
        self._session = session
        self._alias = settings.key_alias
        self._clock = clock
        self._rand = rand
        self._current: _DataKey | None = None
        self._unwrapped: dict[bytes, _DataKey] = {}

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """Seal a secret under a context."""
        data_key = await self._data_key()
        head = bytes([_VERSION]) + len(data_key.wrapped).to_bytes(2, "big") + data_key.wrapped
        return head + seal_with(data_key.key, self._rand.bytes(NONCE_BYTES), secret, context)

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """Open it again; PermanentFailure under another context, for another key or for damaged bytes."""
        end = _HEAD_BYTES + int.from_bytes(sealed[1:_HEAD_BYTES], "big")
        if len(sealed) < end + NONCE_BYTES or sealed[0] != _VERSION:
            raise PermanentFailure("A stored secret cannot be opened")
        key = await self._unwrap(sealed[_HEAD_BYTES:end])
        return open_with(key, sealed[end:], context)

    async def _data_key(self) -> _DataKey:
        now = self._clock.monotonic()
        current = self._current
        if current is None or current.at + _MAKE_SECONDS <= now:
            answer = await self._session.call(
                "kms",
                "generate_data_key",
                KeyId=self._alias,
                KeySpec="AES_256",
                EncryptionContext=_PURPOSE,
            )
            current = _DataKey(answer["Plaintext"], answer["CiphertextBlob"], now)
            self._current = current
        return current

    async def _unwrap(self, wrapped: bytes) -> bytes:
        now = self._clock.monotonic()
        known = self._unwrapped.get(wrapped)
        if known is not None and known.at + _KEEP_SECONDS > now:
            return known.key
        key = await self._decrypt(wrapped)
        if len(self._unwrapped) >= _KEEP_KEYS:
            self._unwrapped.clear()
        self._unwrapped[wrapped] = _DataKey(key, wrapped, now)
        return key

    async def _decrypt(self, wrapped: bytes) -> bytes:
        from botocore.exceptions import ClientError

        try:
            answer = await self._session.call(
                "kms",
                "decrypt",
                expected=_NOT_OURS,
                CiphertextBlob=wrapped,
                EncryptionContext=_PURPOSE,
            )
        except ClientError as error:
            raise PermanentFailure("A stored secret cannot be opened") from error
        return bytes(answer["Plaintext"])
