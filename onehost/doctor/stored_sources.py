"""The egress sources as the state folder has them, read without opening the installation."""

from __future__ import annotations

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import CONTROL
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from onehost.doctor.host import Host
from onehost.storage.reading import reading

_ALL = "SELECT value FROM nouns WHERE kind = ? ORDER BY name"


class Unreadable(Exception):
    """Why they cannot be read."""


def stored_sources(host: Host) -> list[EgressSource]:
    """All of them, by name. Raises Unreadable."""
    path = host.state / CONTROL
    if not path.exists():
        raise Unreadable(f"there is no {path} yet")
    try:
        with reading(path) as db:
            rows = fetched(db, _ALL, (SOURCES.word,))
            return [parse_value(EgressSource, value) for (value,) in rows]
    except apsw.Error as error:
        raise Unreadable(f"{CONTROL} cannot be read: {error}") from error
