"""Everything that a state folder keeps, and what becomes of it: one row for each table and each kind of file.

A row says what a backup and a restore do with it, what a move to AWS takes, how long it is kept, how a person's data
get out of it, and when it goes by itself. A test fails for a table or a file without a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath


class Restored(StrEnum):
    """What a restore does with the rows of a table."""

    AS_IT_WAS = "as it was"
    HELD = "held"  # what is not done waits for a person
    REMOVED = "removed"  # held messages need no wake-up
    MADE_ANEW = "made anew"  # of what was restored, while it serves
    RAISED = "raised"  # so that nothing given out after the backup is given out again


class Copied(StrEnum):
    """What a backup does with a file."""

    SNAPSHOT = "snapshot"  # copied by SQLite, as of one moment
    GROWN = "grown"  # only appended to: what is new is copied
    WHOLE = "whole"  # never changed: copied once
    APART = "apart"  # never in a backup: it opens what is
    NOT = "not"  # belongs to running processes, or is made anew


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table of a database."""

    database: str
    name: str
    restored: Restored
    moved: str
    kept: str
    erased: str
    purged: str


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A kind of file, by a pattern of its path in the state folder."""

    pattern: re.Pattern[str]
    copied: Copied
    moved: str
    kept: str
    erased: str
    purged: str


EACH_MINUTE = "each minute"
_TABLES = """
mail.db    | messages     | held      | each record    | as long as its server says   | row and body    | with retention
mail.db    | events       | as it was | logs and hits  | with message, or its own end | with message    | each minute
mail.db    | queue        | removed   | what waits     | until its attempt is made    | with message    | at its end
mail.db    | links        | as it was | each           | tracking_days                | with message    | each minute
mail.db    | unsubscribes | as it was | each           | 365 days after it was sent   | recipient as hash | each minute
mail.db    | imported_tokens | as it was | each        | tracking_days from the import | recipient's rows | each minute
mail.db    | numbers      | raised    | the highest    | as long as its server        | names nobody    | never
mail.db    | limit_counts | as it was | no             | until its window has passed  | names nobody    | each minute
mail.db    | limit_lines  | as it was | with its mail  | while a limit holds mail     | names nobody    | at its end
mail.db    | limit_standing | as it was | with its mail | while a limit holds it    | with message    | at its end
mail.db    | rates        | as it was | no             | until its window ends        | names nobody    | each minute
mail.db    | greylist     | as it was | no             | 36 days after the last time  | names nobody    | each minute
mail.db    | answers      | as it was | each           | a day                        | with their day  | each minute
mail.db    | suppressions | as it was | each           | suppression_days             | the row         | each minute
mail.db    | jobs         | held      | each           | 30 days                      | the row         | each minute
mail.db    | job_pieces   | as it was | of open jobs   | 30 days                      | with its job    | each minute
mail.db    | reports      | as it was | each           | as long as its server says   | the row         | with retention
mail.db    | counters     | as it was | each slot      | hours for a time, days long  | names nobody    | each minute
mail.db    | group_counts | as it was | each hour and day | hours for a time, days long | names nobody | each minute
mail.db    | group_sources | as it was | no            | as long as its server        | names nobody    | never
mail.db    | packs        | as it was | no             | 25 hours                     | names nobody    | each minute
mail.db    | pack_sources | as it was | no             | four days without an event   | names nobody    | each minute
mail.db    | webhook_deliveries | as it was | each     | webhook_days                 | the row         | each minute
mail.db    | webhook_lanes | as it was | woken anew    | as long as its server        | names nobody    | never
mail.db    | content_days | as it was | counted anew  | as long as there is content  | names nobody    | with retention
mail.db    | progress     | as it was | no             | until the next run           | names nobody    | never
mail.db    | positions    | as it was | no             | for good                     | names nobody    | never
control.db | nouns        | as it was | each, resealed | until it is removed          | the row         | never
control.db | look_ups     | as it was | with its noun  | as its noun                  | with its noun   | with its noun
control.db | owners       | as it was | with its nouns | for good                     | names nobody    | never
control.db | sequences    | raised    | the highest    | for good                     | names nobody    | never
control.db | key_check    | as it was | no             | for good                     | names nobody    | never
search.db  | search       | made anew | made anew      | with message                 | merged away     | with message
search.db  | search_data  | made anew | made anew      | with message                 | merged away     | with message
search.db  | search_idx   | made anew | made anew      | with message                 | merged away     | with message
search.db  | search_docsize | made anew | made anew    | with message                 | the row         | with message
search.db  | search_config | made anew | made anew     | for good                     | names nobody    | never
search.db  | told         | made anew | made anew      | with message                 | the row         | with message
search.db  | spans        | made anew | made anew      | as long as its server        | names nobody    | never
search.db  | forgotten    | made anew | no             | a day                        | names nobody    | by tidying
search.db  | filling      | made anew | no             | until all is in the index    | names nobody    | at its end
search.db  | merging      | made anew | no             | until a merge has ended      | names nobody    | at its end
search.db  | progress     | made anew | no             | for good                     | names nobody    | never
"""
_FILES = r"""
(mail|control)\.db                   | snapshot | by tables | by tables         | by tables       | by tables
(mail|control)\.db-(wal|shm|journal) | not      | no        | until written in  | pages zeroed    | at an orderly stop
search\.db                           | not      | no        | with its messages | merged away     | with its messages
search\.db-(wal|shm|journal)         | not      | no        | until written in  | emptied         | at an orderly stop
bodies/\d{8}/[0-9a-z]+-\d+\.seg      | grown    | an object | with its messages | zeroed in place | with retention
uploads/-?\d+/[0-9a-f]{32}           | whole    | an object | two or seven days | the file        | after its days
uploads/.+                           | not      | no        | while it arrives  | the file        | after two days
key(\.new)?                          | apart    | no        | for good          | names nobody    | never
(search\.)?lock                      | not      | no        | for good          | names nobody    | never
run/.+                               | not      | no        | while it serves   | names nobody    | at the next start
backed-up(\.new)?                    | not      | no        | until the next     | names nobody    | never
backups\.(json|new)                 | not      | no        | until the next run | names nobody    | never
move\.(json|new)                     | not      | no        | for good          | names nobody    | never
mov(ing|ed)                          | not      | no        | for good          | names nobody    | never
restoring/.+                         | not      | no        | while it restores | with the rest   | at its end
"""


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split(" | ")] for row in table.strip().split("\n")]


TABLES = tuple(
    KeptTable(database, name, Restored(restored), *rest)
    for database, name, restored, *rest in _rows(_TABLES)
)
FILES = tuple(
    KeptFile(re.compile(pattern), Copied(copied), *rest) for pattern, copied, *rest in _rows(_FILES)
)


def kind_of(path: PurePosixPath) -> KeptFile | None:
    """What a file of the state folder is, by its path there; None for what is not Posthorn's."""
    return next((kind for kind in FILES if kind.pattern.fullmatch(path.as_posix())), None)
