"""The databases of a Postal installation, read and never written: whole small tables, long ones page by page.

A connection has one question at a time. What MariaDB says is told in one sentence, without the password.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pymysql
import pymysql.cursors

from chalicelib.domain.errors import PermanentFailure, TemporaryFailure
from chalicelib.domain.postal.rows import Row
from onehost.postal.address import DatabaseAddress

PAGE = 500
CONNECT_SECONDS, READ_SECONDS = 20, 600
_NAME = re.compile(r"[A-Za-z0-9_$-]{1,64}")
_NO_SUCH_TABLE = 1146


class Database:
    """One database. Rows come by the names of their columns; what an older Postal lacks is not there."""

    def __init__(self, address: DatabaseAddress, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise PermanentFailure("The name of a database has letters, digits, hyphens and _")
        self.name = name
        self._address = address
        self._connection: pymysql.Connection[Any] | None = None

    async def all(
        self, table: str, where: str = "", values: Sequence[Any] = (), limit: int | None = None
    ) -> list[Row]:
        """The rows of a table, by their number; none where there is no such table."""
        condition = f" WHERE {where}" if where else ""
        most = "" if limit is None else f" LIMIT {int(limit)}"
        statement = f"SELECT * FROM {_quoted(table)}{condition} ORDER BY id{most}"  # noqa: S608
        return await self._rows(statement, values)

    async def after(
        self, table: str, number: int, limit: int = PAGE, columns: Sequence[str] = ()
    ) -> list[Row]:
        """The next rows of a table behind a number, by their number."""
        wanted = ", ".join(map(_quoted, columns)) or "*"
        statement = f"SELECT {wanted} FROM {_quoted(table)} WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608
        return await self._rows(statement, (number, limit))

    async def pages(self, table: str, number: int = 0) -> AsyncIterator[list[Row]]:
        """All rows behind a number, some at a time."""
        while rows := await self.after(table, number):
            yield rows
            number = int(rows[-1]["id"])

    async def of(self, table: str, column: str, wanted: Iterable[int]) -> list[Row]:
        """The rows whose column is one of these numbers, by their number."""
        numbers = sorted(set(wanted))
        if not numbers:
            return []
        marks = ", ".join(["%s"] * len(numbers))
        return await self.all(table, f"{_quoted(column)} IN ({marks})", numbers)

    async def highest(self, table: str) -> int:
        """The highest number that a table has; 0 for none."""
        rows = await self._rows(f"SELECT MAX(id) AS highest FROM {_quoted(table)}", ())  # noqa: S608
        return int(rows[0]["highest"] or 0) if rows else 0

    async def count(self, table: str, where: str, values: Sequence[Any] = ()) -> int:
        """How many rows there are."""
        statement = f"SELECT COUNT(*) AS found FROM {_quoted(table)} WHERE {where}"  # noqa: S608
        rows = await self._rows(statement, values)
        return int(rows[0]["found"]) if rows else 0

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _rows(self, statement: str, values: Sequence[Any]) -> list[Row]:
        return await asyncio.to_thread(self._asked, statement, tuple(values))

    def _asked(self, statement: str, values: tuple[Any, ...]) -> list[Row]:
        try:
            if self._connection is None:
                self._connection = self._connected()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())
        except pymysql.err.ProgrammingError as wrong:
            if wrong.args[0] == _NO_SUCH_TABLE:
                return []
            raise self._failure(wrong) from wrong
        except pymysql.Error as wrong:
            raise self._failure(wrong) from wrong

    def _connected(self) -> pymysql.Connection[Any]:
        address = self._address
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=self.name,
            charset="utf8mb4",
            cursorclass=pymysql.cursors.DictCursor,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            autocommit=True,  # so that each question sees what is there by then
        )

    def _failure(self, wrong: pymysql.Error) -> PermanentFailure | TemporaryFailure:
        self.close()
        said = str(wrong.args[1] if len(wrong.args) > 1 else wrong)[:300]
        text = f"The database {self.name} at {self._address.host} answered: {said}"
        lost = isinstance(wrong, pymysql.err.OperationalError) and wrong.args[0] in (2006, 2013)
        return TemporaryFailure(text) if lost else PermanentFailure(text)


def _quoted(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise PermanentFailure("A name in the database is none of Postal's")
    return f"`{name}`"
