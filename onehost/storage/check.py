"""What is wrong with a state folder, found while it serves or rests, and without changing anything.

Every row can be read, every body that a message names is there with its CRC, and the key file opens what is sealed.
It may be stopped at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib.adapters.sqlite.bodies import Bodies
from chalicelib.adapters.sqlite.folder import CONTROL, KEY, MAIL, SEARCH, check_mode
from chalicelib.adapters.sqlite.inspection import (
    Fault,
    message_faults,
    noun_faults,
    row_faults,
    structure_faults,
)
from chalicelib.adapters.sqlite.older_schema import read_as_newest
from chalicelib.adapters.sqlite.sealing_keys import keys_of, open_sealed
from chalicelib.adapters.sqlite.search_schema import SEARCH_SCHEMA
from chalicelib.adapters.sqlite.snapshot import SCHEMAS, check_database, opened_to_read, schema_of
from chalicelib.domain.errors import PermanentFailure
from onehost.storage.copying import existing
from onehost.storage.progress import Progress


def faults(
    state: Path, progress: Progress, *, full: bool = False, key_of: Path | None = None
) -> Iterator[Fault]:
    """One after the other; `full` has SQLite compare indexes with tables too, `key_of` is the state folder with the
    key, where that is another. PermanentFailure when there is no state folder of this user's."""
    existing(state)
    try:
        check_mode(state)
    except PermanentFailure as wrong:
        yield Fault(state.name, wrong.public)
    keys, without_key = _keys(key_of or state)
    yield from without_key
    opens = opener(keys) if keys else lambda sealed, context: True
    yield from _of_database(state / CONTROL, full, progress, lambda db: noun_faults(db, opens))
    yield from _of_database(state / MAIL, full, progress, lambda db: _mail(db, state, progress))
    yield from _searches(state / SEARCH, full, progress)


def opener(keys: Mapping[int, bytes]) -> Callable[[bytes, Any], bool]:
    """Whether keys open what was sealed under a context."""

    def opens(sealed: bytes, context: Any) -> bool:
        try:
            open_sealed(keys, sealed, context)
        except PermanentFailure:
            return False
        return True

    return opens


def _mail(db: Any, state: Path, progress: Progress) -> Iterator[Fault]:
    done = {"messages": 0, "rows": 0}

    def counting(what: str) -> Callable[[int], None]:
        def count(more: int) -> None:
            done[what] += more
            progress.at(what, done[what])

        return count

    yield from row_faults(db, counting("rows"))
    with Bodies(state) as bodies:
        yield from message_faults(db, bodies, counting("messages"))


def _searches(path: Path, full: bool, progress: Progress) -> Iterator[Fault]:
    """The structure of search.db, index of words included; one that is absent or of another release is made anew."""
    if not path.exists():
        return
    try:
        with opened_to_read(path) as db:
            progress.at(path.name, 0)
            if schema_of(db) == len(SEARCH_SCHEMA):
                yield from structure_faults(db, path.name, full=full)
    except PermanentFailure as unreadable:
        yield Fault(path.name, unreadable.public)


def _of_database(
    path: Path, full: bool, progress: Progress, rows: Callable[[Any], Iterator[Fault]]
) -> Iterator[Fault]:
    """Structure first; rows only where that is sound, because others cannot be told from it."""
    try:
        with opened_to_read(path) as db:
            progress.at(path.name, 0)
            check_database(path, path.name, schema_of(db))
            read_as_newest(db, SCHEMAS[path.name])
            found = list(structure_faults(db, path.name, full=full))
            yield from found or rows(db)
    except PermanentFailure as unreadable:
        yield Fault(path.name, unreadable.public)


def _keys(state: Path) -> tuple[dict[int, bytes], list[Fault]]:
    try:
        return keys_of(state), []
    except PermanentFailure as wrong:
        return {}, [Fault(KEY, wrong.public)]
