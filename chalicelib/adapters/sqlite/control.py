"""control.db: the configuration, made of the declarations of its nouns, so that a new noun needs no new SQL.

A noun is a row with its kind (the word of its declaration), its owner and its name there. Each other unique place of it
is a row of `look_ups`. Values are JSON, each field under its own name; bytes are `{"b": base64}`.
"""

from __future__ import annotations

from chalicelib.adapters.sqlite.database import Database
from chalicelib.adapters.sqlite.folder import StateFolder

VERSION_1 = """
CREATE TABLE nouns(
  kind TEXT, code TEXT, owner TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY(kind, code, owner, name)) WITHOUT ROWID;
CREATE TABLE look_ups(
  kind TEXT, look_up TEXT, code TEXT, owner TEXT, name TEXT, to_code TEXT NOT NULL, to_owner TEXT NOT NULL,
  to_name TEXT NOT NULL, PRIMARY KEY(kind, look_up, code, owner, name)) WITHOUT ROWID;
CREATE INDEX look_ups_of ON look_ups(kind, to_code, to_owner, to_name);
CREATE TABLE owners(kind TEXT, owner TEXT, PRIMARY KEY(kind, owner)) WITHOUT ROWID;
CREATE TABLE sequences(kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""


class ControlDatabase(Database):
    """control.db of the state folder."""

    def __init__(self, folder: StateFolder) -> None:
        super().__init__(folder, "control.db", (VERSION_1,))
