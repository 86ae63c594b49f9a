"""Databases read and copied as of one moment, beside the processes that write them.

A connection of `opened_to_read` changes nothing; whatever runs on it ends when the caller's process is asked to stop.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite import mail_schema
from chalicelib.adapters.sqlite.control_schema import CONTROL_SCHEMA
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL
from chalicelib.adapters.sqlite.stored_schema import BUSY_MILLISECONDS, check_schema
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.installation import INSTALLATION

# The statements of each version. mail.db comes first: what its rows name of the other is there at that moment.
SCHEMAS = {MAIL: mail_schema.MAIL_SCHEMA, CONTROL: CONTROL_SCHEMA}
_STEPS = 100_000
_NAMED = """
SELECT json_extract(blob, '$[0]') AS file, max(json_extract(blob, '$[1]') + json_extract(blob, '$[2]'))
FROM messages WHERE json_valid(blob) GROUP BY file"""
_EACH_NAMED = """
SELECT key >> 31, key, json_extract(blob, '$[0]'), json_extract(blob, '$[1]'), json_extract(blob, '$[2]')
FROM messages WHERE json_valid(blob)"""
_INSTALLATION = "SELECT json_extract(value, '$.signing_key.public') FROM nouns WHERE kind = ?"


@contextmanager
def opened_to_read(path: Path) -> Iterator[apsw.Connection]:
    """A read-only connection; PermanentFailure when there is no database, or what is there is none."""
    if not path.is_file():
        raise PermanentFailure(f"{path} is missing")
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # Signals are seen in Python alone, and a long statement would not come back to it.
        connection.set_progress_handler(lambda: False, _STEPS)
        yield connection
    except apsw.Error as error:
        raise PermanentFailure(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()


def schema_of(db: apsw.Connection) -> int:
    """The version of a database's schema; 0 for one without tables."""
    ((version,),) = fetched(db, "PRAGMA user_version")
    return int(version)


def check_database(path: Path, name: str, version: int) -> None:
    """PermanentFailure when a newer release has written this database, or nobody."""
    check_schema(version, str(path), len(SCHEMAS[name]))
    if version < 1:
        raise PermanentFailure(f"{path} has no schema: it is empty, or no release has written it")


def take_snapshot(source: Path, target: Path) -> int:
    """Write the database as it is at this moment to a new file, and make that durable; the version of its schema."""
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with opened_to_read(source) as db:
            version = schema_of(db)
            check_database(source, source.name, version)
            try:
                fetched(db, "VACUUM INTO ?", (str(target),))
            except apsw.FullError as full:
                raise PermanentFailure(f"There is no room left for {target}") from full
        os.fsync(descriptor)
        return version
    finally:
        os.close(descriptor)


def named_bodies(db: apsw.Connection) -> dict[str, int]:
    """The files that messages have their bodies in, and up to which byte."""
    return {str(key): int(end) for key, end in fetched(db, _NAMED)}


def bodies_of_messages(db: apsw.Connection) -> Iterator[tuple[ServerId, int, BlobRef]]:
    """Server and key of each message that has a body, and where that is."""
    for server, key, *place in db.execute(_EACH_NAMED):
        yield ServerId(server), key, BlobRef(*place)


def installation_of(db: apsw.Connection) -> str:
    """What tells one installation from another; empty before it is set up."""
    for (public,) in fetched(db, _INSTALLATION, (INSTALLATION.word,)):
        return hashlib.sha256(str(public).encode()).hexdigest()
    return ""
