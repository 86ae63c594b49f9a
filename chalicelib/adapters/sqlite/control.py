"""control.db: the configuration, made of the declarations of its nouns, so that a new noun needs no new SQL.

A noun is a row with its kind (the word of its declaration), its owner and its name there. Each other unique place of it
is a row of `look_ups`. Values are JSON, each field under its own name; bytes are `{"b": base64}`. A word that the key
of the state folder sealed shows at each opening whether the key is still the one that sealed the secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.folder import CONTROL, StateFolder
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.domain.tenancy.brought import BROUGHT, SERVER_TOKENS
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS

if TYPE_CHECKING:
    import apsw

VERSION_1 = """
CREATE TABLE nouns(
  kind TEXT, code TEXT, owner TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY(kind, code, owner, name)) WITHOUT ROWID;
CREATE TABLE look_ups(
  kind TEXT, look_up TEXT, code TEXT, owner TEXT, name TEXT, to_code TEXT NOT NULL, to_owner TEXT NOT NULL,
  to_name TEXT NOT NULL, PRIMARY KEY(kind, look_up, code, owner, name)) WITHOUT ROWID;
CREATE INDEX look_ups_of ON look_ups(kind, to_code, to_owner, to_name);
CREATE TABLE owners(kind TEXT, owner TEXT, PRIMARY KEY(kind, owner)) WITHOUT ROWID;
CREATE TABLE sequences(kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE key_check(one INTEGER PRIMARY KEY CHECK(one = 1), sealed BLOB NOT NULL);
"""
CONTROL_SCHEMA = (VERSION_1,)
CHECK_WORD = "SELECT sealed FROM key_check"
_KEEP_CHECK_WORD = "INSERT INTO key_check VALUES (1, ?)"
REMEMBERED = tuple(one.word for one in (SOURCES, BROUGHT, SERVER_TOKENS, TRACK_DOMAINS))
"""The kinds whose owners somebody asks for: on one host those of track domains, too, for who stands in front."""
# Older releases remembered the owners of every kind: each session that ever was.
_OTHERS = f"FROM owners WHERE kind NOT IN ({', '.join('?' * len(REMEMBERED))})"


class ControlDatabase(Database):
    """control.db of the state folder; PermanentFailure when the key is not the one that sealed its secrets."""

    def __init__(self, folder: StateFolder, keys: SealingKeys) -> None:
        self._keys = keys
        super().__init__(folder, CONTROL, CONTROL_SCHEMA)

    def _prepare(self, db: apsw.Connection) -> None:
        if fetched(db, f"SELECT 1 {_OTHERS} LIMIT 1", REMEMBERED):  # constants alone
            fetched(db, f"DELETE {_OTHERS}", REMEMBERED)
        for (sealed,) in fetched(db, CHECK_WORD):
            self._keys.check(sealed)
            return
        fetched(db, _KEEP_CHECK_WORD, (self._keys.check_word(),))
