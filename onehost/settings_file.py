"""The settings file: TOML with the names of the `POSTHORN_*` variables in lower case and without the prefix.

`smtp_hostname = "mail.example.com"` says the same as POSTHORN_SMTP_HOSTNAME. The environment wins over the file. What
the program does not know is refused, since a misspelt name would be a setting that nobody made. Whether a value makes
sense is left to those who read the environment.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from gateway.configuration import Configuration
from onehost.options import Options

DEFAULT_PATH = Path("/etc/posthorn/posthorn.toml")
CONFIG_VARIABLE = "POSTHORN_CONFIG"
KNOWN: Mapping[str, type] = {
    field.name: type(field.default)
    for described in (Settings, Configuration, Options)
    for field in fields(described)
}
_WANTED: Mapping[type, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def settings_path(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The file to read: the given one, the one that POSTHORN_CONFIG names, or the default one if it is there."""
    if given is not None:
        return given
    if named := environment.get(CONFIG_VARIABLE):
        return Path(named)
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def environment_of(path: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with what the file adds to it; PermanentFailure, with one sentence, for a file that cannot be
    used. Variables that are there and empty count as absent, as everywhere."""
    found = {} if path is None else _read(path)
    variables = {f"POSTHORN_{name.upper()}": text for name, text in found.items()}
    return variables | {
        name: text for name, text in environment.items() if text or name not in variables
    }


def _read(path: Path) -> dict[str, str]:
    """The settings of a file as texts of variables."""
    try:
        stored = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as missing:
        text = f"There is no settings file {path}: `posthorn init` writes one"
        raise PermanentFailure(text) from missing
    except (OSError, UnicodeDecodeError) as unreadable:
        reason = getattr(unreadable, "strerror", None) or "it is not in UTF-8"
        raise PermanentFailure(f"The settings file {path} cannot be read: {reason}") from unreadable
    except tomllib.TOMLDecodeError as wrong:
        raise PermanentFailure(f"The settings file {path} is not TOML: {wrong}") from wrong
    return {name: _text(path, name, value) for name, value in stored.items()}


def _text(path: Path, name: str, value: object) -> str:
    if name not in KNOWN:
        raise PermanentFailure(f"{path} sets {name!r}, which is no setting{_nearest(name)}")
    kind = KNOWN[name]
    # True is an int in Python, and a whole number is as good as a number with a fraction.
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits:
        raise PermanentFailure(f"{path}: {name} must be {_WANTED[kind]}, not {value!r}")
    if "\0" in str(value):
        raise PermanentFailure(f"{path}: {name} has a NUL character in it")
    return str(int(value)) if isinstance(value, bool) else str(value)


def _nearest(name: str) -> str:
    plain = name.lower().removeprefix("posthorn_")
    near = difflib.get_close_matches(plain, KNOWN, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
