"""The keys of the state folder's key file: one a line in hex, the newest first. In memory they end with the process.

The credential `key`, which systemd gives a service, stands for the file. A folder without databases gets a key file
where neither is there. A folder with databases must have its own: its first key sealed a check word, which is opened
each time that control.db is.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from chalicelib.adapters.crypto.sealing import NONCE_BYTES, open_with, seal_with
from chalicelib.adapters.sqlite.folder import CONTROL, KEY, StateFolder, reason_of
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.rand import Rand

KEY_BYTES = 32
CHECK_WORD = b"posthorn"
CHECK_CONTEXT = {"purpose": "key check"}
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # set by systemd for a service that has any, systemd.exec(5)
CANNOT_BE_OPENED = "A stored secret cannot be opened"
_VERSION = 1


class SealingKeys:
    """Seals with the newest key, opens with any; in front of what is sealed stand a version and the key's number."""

    def __init__(self, folder: StateFolder, rand: Rand) -> None:
        self._rand = rand
        state = folder.path
        self._path = None if state is None else key_file(state)
        self._keys = {0: rand.bytes(KEY_BYTES)} if state is None else _kept(state, folder, rand)

    def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """The secret under the newest key."""
        number = max(self._keys)
        nonce = self._rand.bytes(NONCE_BYTES)
        return bytes((_VERSION, number)) + seal_with(self._keys[number], nonce, secret, context)

    def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """The secret; PermanentFailure under another context, or when its key is gone."""
        return open_sealed(self._keys, sealed, context)

    def derived(self, purpose: str) -> list[bytes]:
        """Keys for something else, one from each key of the file, the newest first."""
        keys = [self._keys[number] for number in sorted(self._keys, reverse=True)]
        return [hmac.digest(key, f"posthorn {purpose}".encode(), "sha256") for key in keys]

    def check_word(self) -> bytes:
        """What `check` opens as long as the key is in the file."""
        return self.seal(CHECK_WORD, CHECK_CONTEXT)

    def check(self, sealed: bytes) -> None:
        """As `check_keys`."""
        check_keys(self._keys, sealed, self._path)


def check_keys(keys: Mapping[int, bytes], sealed: bytes, path: Path | None) -> None:
    """PermanentFailure when the keys of this file are not those that sealed the check word, and with it the secrets."""
    try:
        open_sealed(keys, sealed, CHECK_CONTEXT)
    except PermanentFailure as wrong:
        raise PermanentFailure(
            f"{path} is not the key file of this state folder: its secrets were sealed with another key; put the right"
            " one back from where it was saved"
        ) from wrong


def open_sealed(keys: Mapping[int, bytes], sealed: bytes, context: Mapping[str, str]) -> bytes:
    """The secret; PermanentFailure under another context, or when its key is not among these."""
    if len(sealed) < 2 or sealed[0] != _VERSION or sealed[1] not in keys:
        raise PermanentFailure(CANNOT_BE_OPENED)
    return open_with(keys[sealed[1]], sealed[2:], context)


def key_file(state: Path) -> Path:
    """Where the keys of a state folder are: the credential, or else the folder's own file, which need not be there."""
    return _credential() or state / KEY


def keys_of(state: Path) -> dict[int, bytes]:
    """The keys of a state folder, as `read_keys`; PermanentFailure also when there are none, or the credential and the
    folder's own file differ."""
    path, own = key_file(state), state / KEY
    if path == own and not own.exists():
        raise PermanentFailure(
            f"The key file {own} is missing: put it back from where it was saved, or give this the credential `{KEY}`"
            " that the service has"
        )
    keys = read_keys(path)
    if path != own and own.exists() and read_keys(own) != keys:
        raise PermanentFailure(
            f"The credential {path} and the key file {own} have different keys: take away the one that did not seal"
            " the secrets"
        )
    return keys


def _credential() -> Path | None:
    """The file of the credential, if systemd gave one."""
    given = os.environ.get(CREDENTIALS)
    if not given:
        return None
    path = Path(given, KEY)
    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        pass  # whoever reads it says why that cannot be done
    return path


def _kept(state: Path, folder: StateFolder, rand: Rand) -> dict[int, bytes]:
    """The keys of the folder, for which a file is made first when it is new."""
    own = state / KEY
    if key_file(state) == own:
        descriptor = folder.open_lock()
        try:
            with folder.locked(descriptor), folder.opening():
                if not own.exists() and not (state / CONTROL).exists():
                    _make(own, rand)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    return keys_of(state)


def read_keys(path: Path) -> dict[int, bytes]:
    """The keys of a key file by number, from 0 for the oldest; PermanentFailure when it is none, or others may read
    it."""
    # systemd lets a service read its credentials by an ACL, which shows as a right of the group.
    others = 0o007 if path == _credential() else 0o077
    try:
        if path.stat().st_mode & others:
            raise PermanentFailure(f"Others may read the key file {path}: chmod 400 {path}")
        lines = path.read_text("ascii").split()
        keys = {number: bytes.fromhex(line) for number, line in enumerate(reversed(lines))}
    except OSError as unreadable:
        raise PermanentFailure(
            f"The key file {path} cannot be read: {reason_of(unreadable)}"
        ) from unreadable
    except ValueError:
        keys = {}
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise PermanentFailure(f"{path} is no key file: each line has {2 * KEY_BYTES} hex digits")
    return keys


def _make(path: Path, rand: Rand) -> None:
    """Make a key file whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "w") as file:
        file.write(rand.bytes(KEY_BYTES).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
