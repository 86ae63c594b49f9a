"""The keys of the local stack's AWS emulator: made once for a state folder, at random, readable by its owner only.

`Keys` are what every process of a stack signs its AWS calls with, and the word by which the front shows the guard
(infra/local/guard.py) that a request comes from it. Nothing else opens the emulator, and no two state folders have the
same. Standard library only: the emulators' own environments import this module too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.local.folder import KEYS, write_private

# No digit first, and no prefix of a real key: emulators read account numbers out of those.
NAME_PREFIX = "POSTHORN"


@dataclass(frozen=True, slots=True)
class Keys:
    """`access_key_id` and `secret_access_key` sign AWS calls; `front` is the word between front and guard."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    front: str = field(repr=False)

    @property
    def variables(self) -> dict[str, str]:
        """The standard variables from which an AWS client takes them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


def new_keys() -> Keys:
    """Keys that nobody has had before."""
    name = NAME_PREFIX + secrets.token_hex(16).upper()
    return Keys(name, secrets.token_urlsafe(32), secrets.token_urlsafe(32))


def keys_of(state: Path) -> Keys:
    """The keys of a state folder, made anew when it has none or they are damaged; OSError when that cannot be."""
    try:
        return read_keys(state)
    except (FileNotFoundError, ValueError):
        made = new_keys()
        write_private(state / KEYS, json.dumps(asdict(made)) + "\n")
        return made


def read_keys(state: Path) -> Keys:
    """The keys of a state folder that has some; FileNotFoundError, or ValueError when they are damaged."""
    found = json.loads((state / KEYS).read_text())
    names = ("access_key_id", "secret_access_key", "front")
    if not isinstance(found, dict) or not all(_is_word(found.get(name)) for name in names):
        raise ValueError(f"{state / KEYS} holds no keys")
    return Keys(*(found[name] for name in names))


def front_word(state: Path, environment: Mapping[str, str]) -> str:
    """What the front shows the guard; empty where the emulator that the environment names is not the state folder's."""
    try:
        keys = read_keys(state)
    except (FileNotFoundError, ValueError):
        return ""
    return keys.front if environment.get("AWS_ACCESS_KEY_ID") == keys.access_key_id else ""


def _is_word(value: object) -> bool:
    return isinstance(value, str) and len(value) >= 32 and value.isascii()
