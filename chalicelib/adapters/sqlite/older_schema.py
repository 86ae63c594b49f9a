"""A database of an older schema, read by statements that were written for the newest, and not changed.

What it lacks is empty: temporary views of its connection have the columns that a table had not yet, and temporary
tables are those that were not there. Who asks the main schema itself finds what is really there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw

from chalicelib.adapters.sqlite.database import fetched, migrate

_TABLES = (
    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
)
_COLUMNS = "SELECT name, dflt_value FROM pragma_table_info(?, 'main')"


def read_as_newest(db: apsw.Connection, schema: Sequence[str]) -> None:
    """Have the connection read a database of any version of this schema as one of the newest."""
    ((version,),) = fetched(db, "PRAGMA user_version")
    if version >= len(schema):
        return
    newest = apsw.Connection(":memory:")
    try:
        migrate(newest, "", schema)
        statements = list(_lacking(db, newest))
    finally:
        newest.close()
    for statement in statements:
        fetched(db, statement)


def _lacking(db: apsw.Connection, newest: apsw.Connection) -> Iterator[str]:
    for table, declared in fetched(newest, _TABLES):
        has = [name for name, _ in fetched(db, _COLUMNS, (table,))]
        more = {name: text for name, text in fetched(newest, _COLUMNS, (table,)) if name not in has}
        if not has:
            yield declared.replace("CREATE TABLE", "CREATE TEMP TABLE", 1)
        elif more:
            columns = [*has, *(f"{text or 'NULL'} AS {name}" for name, text in more.items())]
            yield f"CREATE TEMP VIEW {table} AS SELECT {', '.join(columns)} FROM main.{table}"
