"""The tables of control.db. A version of the schema is never changed once it was released."""

from __future__ import annotations

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
