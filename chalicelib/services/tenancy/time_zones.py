"""The names of time zones, from the database that is installed with the program: the same on every machine."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from chalicelib.domain.errors import wrong_field


def checked_time_zone(name: str) -> str:
    """The name; InvalidRequest when the IANA database has no such zone."""
    if name not in _names():
        raise wrong_field("time_zone", f"There is no time zone {name!r}, such as Europe/Vienna")
    return name


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())
