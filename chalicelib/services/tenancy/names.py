"""What people call organizations and servers: names as typed, and the permalinks made of them.

A permalink that is given must be free; one that is made from the name gets `-2`, `-3` … where it is taken, which is
for the store to say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, TypeVar

from chalicelib.domain.errors import Conflict, Taken, TooMany, wrong_field
from chalicelib.domain.tenancy import permalink as permalinks
from chalicelib.domain.tenancy.entity import Entity
from chalicelib.domain.tenancy.removals import REMOVALS, place_of
from chalicelib.ports.repository import Repository

T = TypeVar("T")

LONGEST_NAME = 100
MOST_CANDIDATES = 1_000


def checked_name(text: str, field: str = "name") -> str:
    """The text without blanks around it; InvalidRequest unless it is 1 to LONGEST_NAME printable characters."""
    text = text.strip()
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise wrong_field(field, f"The {field} must have 1 to {LONGEST_NAME} printable characters")
    return text


async def check_not_removed(repository: Repository, entity: Entity[Any], name: str) -> None:
    """Conflict while there is data of what was called so, `acme` or `acme/mail`, and was removed."""
    if await repository.get_many(REMOVALS, [place_of(name)]):
        raise entity.taken()


async def add_under_permalink(
    name: str,
    permalink: str | None,
    reserved: frozenset[str],
    add: Callable[[str], Awaitable[T]],
) -> T:
    """What `add` answers to the first permalink that it takes without Conflict. InvalidRequest for one that is
    unusable, Conflict for one that was given and is taken."""
    wanted = _wanted(name, permalink, reserved)
    for candidate in islice(permalinks.candidates(wanted, reserved), MOST_CANDIDATES):
        try:
            return await add(candidate)
        except (Taken, TooMany):  # about something else than its permalink
            raise
        except Conflict as conflict:
            if permalink is not None:
                raise Taken("permalink", f"The permalink {candidate} is taken") from conflict
    raise Conflict(f"Every permalink like {wanted} is taken")


def _wanted(name: str, permalink: str | None, reserved: frozenset[str]) -> str:
    """The permalink that was asked for, or the one the name suggests."""
    if permalink is None:
        suggested = permalinks.permalink_of(name)
        if not suggested:
            raise wrong_field("permalink", "The name suggests no permalink, so one must be given")
        return suggested
    return checked_permalink(permalink, reserved)


def checked_permalink(permalink: str, reserved: frozenset[str]) -> str:
    """The permalink; InvalidRequest for one that is reserved, or is none."""
    if permalink in reserved:
        raise wrong_field("permalink", f"The permalink {permalink} is reserved")
    if not permalinks.is_permalink(permalink, reserved):
        detail = "A permalink has 1 to 50 lower-case letters, digits and hyphens"
        raise wrong_field("permalink", detail)
    return permalink
