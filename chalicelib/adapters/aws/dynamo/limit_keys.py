"""Where send limits lie in the mail table, and the counts of an owner as an item.

`S#<server>#LIM` (of an organization `O#<organization>#LIM`) has an item for each owner, under its name, and one for
each of its lines that holds mail, `L#<owner>#<period>`; `S#<server>#LST` what stands in them, `<owner>#<period>#<when
it was accepted>#<server>#<message>`. Lines that are to be looked at are found in the `due` index, under `LIM`.

An owner's item has for each period (`h`, `d`, `m`): `t` with the sum of its window, `r` with the newest slot, a count
for each slot by its last two digits, and `q` while a line holds mail; for rates (`c`, `b`) the latter alone. `v`
counts what changes counts otherwise than by adding to the newest slot; `w` has the marks of the latest that gave places
back, each by one call.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.limits.limit import LimitOwner, Line, OwnerKind, Standing, period_called
from chalicelib.domain.limits.windows import SLOTS, Counts
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.send_limits import Period

DUE_LINES = "LIM"
_NAMES = 100
"""Slots are called by their numbers modulo this, which is more than any window has."""

_MARKS = 8
_MARK_LENGTH = 4


def letter(period: Period | Rate) -> str:
    """The period in names of attributes."""
    return period.value[0]


def counts_key(owner: LimitOwner) -> tuple[str, str]:
    """The key of an owner's counts."""
    return f"{_of(owner)}#LIM", owner.name


def line_key(line: Line) -> tuple[str, str]:
    """The key of a line."""
    return f"{_of(line.owner)}#LIM", f"L#{line.owner.name}#{line.period}"


def line_called(sort_key: str) -> Line:
    """The line with this key."""
    _, owner, period = sort_key.split("#")
    return Line(LimitOwner.called(owner), period_called(period))


def standing_partition(line: Line) -> str:
    """Where what stands in a line lies."""
    return f"{_of(line.owner)}#LST"


def standing_prefix(line: Line) -> str:
    """How the sort keys of what stands in a line begin."""
    return f"{line.owner.name}#{line.period}#"


def standing_key(line: Line, standing: Standing) -> tuple[str, str]:
    """The key of a message in a line."""
    place = f"{round(standing.at * 1_000):013d}#{standing.server:010d}#{standing.message:010d}"
    return standing_partition(line), standing_prefix(line) + place


def read_standing(item: Mapping[str, Any]) -> Standing:
    """A message in a line."""
    *_, server, message = item["SK"]["S"].split("#")
    at, attempt = float(item["t"]["N"]), int(item["a"]["N"])
    return Standing(at, ServerId(int(server)), MessageId(int(message)), attempt)


def slot_name(period: Period, slot: int) -> str:
    """The attribute of a slot."""
    return f"{letter(period)}{slot % _NAMES:02d}"


def read_counts(item: Mapping[str, Any], period: Period, now_slot: int) -> Counts:
    """The window of a period as an owner's item has it, gone on to `now_slot` where that is later."""
    known = item.get(f"r{letter(period)}")
    if known is None:
        return Counts(period, now_slot, {})
    newest = int(known["N"])
    slots = range(newest - SLOTS[period] + 1, newest + 1)
    names = {slot: slot_name(period, slot) for slot in slots}
    found = {slot: int(item[name]["N"]) for slot, name in names.items() if name in item}
    return Counts(period, max(newest, now_slot), found)


def new_mark() -> str:
    """What tells one who gives places back from others."""
    return secrets.token_hex(_MARK_LENGTH // 2)


def with_mark(item: Mapping[str, Any], mark: str) -> str:
    """The latest marks of an owner's item, and one more."""
    marks: str = item["w"]["S"] if "w" in item else ""
    return (marks + mark)[-_MARKS * _MARK_LENGTH :]


def may_have_marked(item: Mapping[str, Any], mark: str, version: int) -> bool:
    """Whether a write that was to follow `version` may have been done, by the item as it is now."""
    marks: str = item["w"]["S"] if "w" in item else ""
    known = {marks[at : at + _MARK_LENGTH] for at in range(0, len(marks), _MARK_LENGTH)}
    since = int(item["v"]["N"]) - version if "v" in item else 0
    return mark in known or since > _MARKS


def _of(owner: LimitOwner) -> str:
    return f"O#{owner.of}" if owner.kind is OwnerKind.ORGANIZATION else f"S#{owner.of}"
