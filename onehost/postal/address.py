"""Where the databases of a Postal installation are: `mysql://user:password@host:port/database`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from chalicelib.domain.errors import PermanentFailure

PORT = 3306
LONGEST = 2_000
WRONG = "The URL of the database is mysql://user:password@host:port/database"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A MariaDB server, who asks it, and its main database, empty where the URL names none."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str


def read_address(url: str, password: str = "") -> DatabaseAddress:
    """The address of a URL; `password` where that has none. PermanentFailure for what is none, which it never repeats:
    it may hold a password."""
    try:
        found = urlsplit(url[:LONGEST])
        port = found.port or PORT
        if found.scheme not in ("mysql", "mariadb") or not found.hostname:
            raise ValueError
    except ValueError:
        raise PermanentFailure(WRONG) from None
    return DatabaseAddress(
        host=found.hostname,
        port=port,
        user=unquote(found.username or "postal"),
        password=unquote(found.password) if found.password is not None else password,
        database=unquote(found.path.strip("/")),
    )
