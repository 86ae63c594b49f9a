"""Sealed secrets, with the keys of the state folder's key file: one key a line, the newest first.

In front of what is sealed stand a version and the number of its key, so that a key can be replaced while secrets under
older ones are still opened. In memory the key ends with the process.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from chalicelib.adapters.crypto.sealing import NONCE_BYTES, open_with, seal_with
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault

KEY_FILE = "key"
KEY_BYTES = 32
_VERSION = 1


class FileKeyVault(KeyVault):
    """The `KeyVault` port with the keys of a file."""

    def __init__(self, folder: StateFolder, rand: Rand) -> None:
        self._rand = rand
        self._keys = _read_keys(folder, rand)

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """Seal a secret under a context, with the newest key."""
        number = max(self._keys)
        sealed = seal_with(self._keys[number], self._rand.bytes(NONCE_BYTES), secret, context)
        return bytes((_VERSION, number)) + sealed

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """Open it again; PermanentFailure under another context, or when its key is gone."""
        if len(sealed) < 2 or sealed[0] != _VERSION or sealed[1] not in self._keys:
            raise PermanentFailure("A stored secret cannot be opened")
        return open_with(self._keys[sealed[1]], sealed[2:], context)

    def derived(self, purpose: str) -> list[bytes]:
        """Keys for something else, one from each key of the file, the newest first."""
        keys = [self._keys[number] for number in sorted(self._keys, reverse=True)]
        return [hmac.digest(key, f"posthorn {purpose}".encode(), "sha256") for key in keys]


def _read_keys(folder: StateFolder, rand: Rand) -> dict[int, bytes]:
    """Keys by number, from 0 for the oldest. A folder without a key file gets one."""
    path = folder.file(KEY_FILE)
    if path is None:
        return {0: rand.bytes(KEY_BYTES)}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(rand.bytes(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    lines = path.read_text().split()
    keys = {number: bytes.fromhex(line) for number, line in enumerate(reversed(lines))}
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise PermanentFailure(f"{path} is no key file: each line has {2 * KEY_BYTES} hex digits")
    return keys
