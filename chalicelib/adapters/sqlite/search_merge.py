"""Having search.db lose what it was to forget: its parts are merged into one, a few pages a transaction.

A row that is removed from the index is marked, and its words stay in the part that has them. A merge copies what is not
marked. It is begun over all parts at once, and goes on until none of them is left; what is told meanwhile lies in new
ones. Which parts there are is read from the record that FTS5 keeps of them (row 10 of its data).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.search_schema import note, noted

if TYPE_CHECKING:
    import apsw

LOG = logging.getLogger("posthorn.sqlite")
FORGOTTEN, LOGGED = "forgotten", "logged"
# Pages of the index that a step writes.
PAGES = 64
_PARTS = "SELECT block FROM search_data WHERE id = 10"
_MERGE = "INSERT INTO search(search, rank) VALUES ('merge', ?)"
_COOKIE_BYTES = 4
_WITH_ORIGINS = b"\xff\x00\x00\x01"


def merge_step(db: apsw.Connection) -> bool:
    """Merge some pages, in this transaction; False when nothing that was forgotten lies in the index any more."""
    begun = {part for (part,) in fetched(db, "SELECT part FROM merging")}
    if begun:
        return _go_on(db, begun)
    if not noted(db, FORGOTTEN):
        return False
    note(db, FORGOTTEN, 0)
    note(db, LOGGED, 1)
    db.executemany("INSERT INTO merging VALUES (?)", [(one,) for one in parts(db)]).fetchall()
    # Below zero: take all parts together first.
    return _merge(db, -PAGES) or _ended(db)


def is_merging(db: apsw.Connection) -> bool:
    """Whether `merge_step` has something to do."""
    return bool(noted(db, FORGOTTEN) or fetched(db, "SELECT 1 FROM merging LIMIT 1"))


def parts(db: apsw.Connection) -> set[str]:
    """The parts of the index. A number is given again; which transactions a part is of never is."""
    ((record,),) = fetched(db, _PARTS)
    numbers = _numbers(record[_COOKIE_BYTES:].removeprefix(_WITH_ORIGINS))
    levels, _, _ = (next(numbers) for _ in range(3))
    found = set()
    for _ in range(levels):
        _, count = next(numbers), next(numbers)
        for _ in range(count):
            number, _, _, first, last, *_ = (next(numbers) for _ in range(8))
            found.add(f"{number} {first} {last}")
    return found


def _go_on(db: apsw.Connection, begun: set[str]) -> bool:
    if begun & parts(db):
        # Nothing to go on with: another process may have begun before it, so all are taken together again.
        return _merge(db, PAGES) or _merge(db, -PAGES) or _ended(db)
    return _ended(db)


def _merge(db: apsw.Connection, pages: int) -> bool:
    before = db.total_changes()
    fetched(db, _MERGE, (pages,))
    # The command itself counts as one change.
    return db.total_changes() - before > 1


def _ended(db: apsw.Connection) -> bool:
    """Whether something was forgotten while the parts before were merged."""
    fetched(db, "DELETE FROM merging")
    return bool(noted(db, FORGOTTEN))


def _numbers(record: bytes) -> Iterator[int]:
    """Those of a record of SQLite, of seven bits a byte, the most significant first."""
    number = 0
    for byte in record:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            yield number
            number = 0
