"""Profiles: where an API is and with which key, by name, in a file of this user alone.

`config.toml` in the folder `posthorn` of XDG_CONFIG_HOME, or else of ~/.config, has a table for each profile, with
`url`, `key` and perhaps `tenant`. Like a private key of SSH it is believed only if nobody else can read or write it.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.cli.failure import Failure
from chalicelib.cli.own_file import NotOurs, read_own_file

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Profile:
    """An API, and who asks it. `tenant` is meant where no other is named."""

    url: str
    key: str = field(repr=False)
    tenant: str | None = None


def profiles_path(environment: Mapping[str, str]) -> Path:
    """Where the profiles are kept."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    # A relative folder is to be ignored, says the XDG specification.
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "posthorn" / "config.toml"


def read_profiles(path: Path) -> dict[str, Profile]:
    """The profiles by their names, none without a file; Failure for a file that is not believed or understood."""
    if not os.path.lexists(path):
        return {}
    import tomllib

    try:
        tables = tomllib.loads(read_own_file(path, private=True).decode())
        return {name: _profile(table) for name, table in tables.items()}
    except NotOurs as refused:
        raise Failure(f"{path} is not believed: {refused}.") from refused
    except OSError as unreadable:
        raise Failure(f"{path} cannot be read: {unreadable.strerror}.") from unreadable
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise Failure(
            f"{path} is not understood: each profile is a table with url, key and perhaps tenant."
        ) from wrong


def write_profiles(path: Path, profiles: Mapping[str, Profile]) -> None:
    """Keep these profiles, for this user alone; the file changes at once or not at all. Failure when it cannot."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
            os.fchmod(draft.fileno(), 0o600)
            draft.write("\n".join(_table(name, one) for name, one in sorted(profiles.items())))
        Path(draft.name).replace(path)
    except OSError as failed:
        raise Failure(f"{path} cannot be written: {failed.strerror}.") from failed


def check_name(name: str) -> str:
    """The name of a profile; Failure for what cannot be one."""
    if _NAME.fullmatch(name) is None:
        raise Failure("A profile's name has letters, digits, - and _.")
    return name


def _profile(table: Mapping[str, object]) -> Profile:
    tenant = table.get("tenant")
    for value in (table["url"], table["key"], tenant or ""):
        if not isinstance(value, str) or table.keys() - {"url", "key", "tenant"}:
            raise TypeError
    return Profile(str(table["url"]), str(table["key"]), str(tenant) if tenant else None)


def _table(name: str, profile: Profile) -> str:
    values = {"url": profile.url, "key": profile.key} | (
        {"tenant": profile.tenant} if profile.tenant else {}
    )
    # A text in JSON is one in TOML.
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(one)}\n" for key, one in values.items())
