"""Every statement of the embedded family finds its rows by an index: none reads a whole table that grows with mail."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import apsw
import pytest

from chalicelib.adapters import sqlite
from chalicelib.adapters.sqlite import control_schema, mail_schema, search_schema
from chalicelib.adapters.sqlite.database import fetched

SCHEMAS = {
    "mail": "".join(mail_schema.MAIL_SCHEMA),
    "control": "".join(control_schema.CONTROL_SCHEMA),
    "search": search_schema.VERSION_1,
}
VERBS = ("SELECT", "UPDATE", "DELETE")
PLACES = re.compile(r"[?]|:\w+")
# The index that answers each list, and orders it: no list is sorted afterwards.
LISTS = {
    "messages._BY_SCOPE": "by_scope (scope=? AND rowid>? AND rowid<?)",
    "messages._BY_FLAG": "by_flag (flag=? AND scope=? AND rowid>? AND rowid<?)",
    "messages._BY_RECIPIENT": "by_rcpt (rcpt_key=? AND rowid>? AND rowid<?)",
    "messages._FAILS": "by_rcpt (rcpt_key=? AND rowid>? AND rowid<?)",
    "messages._DUE": "by_due (due_at<?)",
    "logs.LOGGED": "by_message (key=?)",
    "logs._NEWEST": "by_message (key=?)",
    "engagement._NEWEST": "by_hit (key=?)",
    "reports._OF": "by_email (email=?)",
    "reports._PAGE": "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "transfer._HITS": "by_hit (key=?)",
    "queue._SOONEST": "by_visible (pool=?)",
    "queue._VISIBLE": "by_visible (pool=? AND visible_at<?)",
    "queue._DEAD": "by_death",
    "processes._HANDED_OUT": "by_owner (owner=?)",
    "processes._GIVE_BACK": "by_owner (owner=?)",
    "feed._EVENTS": "INTEGER PRIMARY KEY (rowid>?)",
    "statistics._READ": "PRIMARY KEY (server=? AND period=? AND start>? AND start<?)",
    "send_limits._COUNTS": "PRIMARY KEY (owner=? AND period=? AND slot>?)",
    "limit_lines._DUE": "limit_lines_by_due (due_at<?)",
    "limit_lines._FIRST": "PRIMARY KEY (owner=? AND period=? AND (at,key)>(?,?))",
    "repository._ROWS": "PRIMARY KEY (kind=? AND code=? AND owner=? AND name>?)",
    "repository._OWNERS": "PRIMARY KEY (kind=?)",
    "queue._POOLS": "PRIMARY KEY (kind=?)",
    "search_look._BY_TERMS": "search VIRTUAL TABLE INDEX 192:M1><",
    "search_look._BY_KEY": "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "search_look._PAST_IT": "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "search_look._SPAN": "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "search_rows._REFUSED": "INTEGER PRIMARY KEY (rowid=?)",
    "search_fill._NEWEST": "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    "webhook_lanes._FREE_ALL": "webhook_lanes_by_owner (owner>?)",
}
# What else than SEARCH says that not everything is read: the index of those few rows, a word or a key of an index of
# words.
NARROWED = re.compile(r"USING INDEX by_death|VIRTUAL TABLE INDEX \d+:.")
# The one row of a table, a list that the caller brings, and a row for each server and day.
SHORT = {"key_check", "json_each", "content_days"}
# They read everything because that is what they are for: looking at a folder, counting all, saving, bringing back and
# moving it.
READS_THE_QUEUE = "traces._ORPHANS[0]"  # by an erasing, in a reader of its own: no index leads to wake-ups of nobody
WHOLE = {"backends", "inspection", "older_schema", "snapshot", "restored", "moved"}


def statements() -> Iterator[tuple[str, str]]:
    """The statements that stand as constants in the modules of the family, by module and name."""
    for module in pkgutil.iter_modules(sqlite.__path__):
        if module.name in WHOLE:
            continue
        for name, value in vars(import_module(f"{sqlite.__name__}.{module.name}")).items():
            texts = value if isinstance(value, tuple) else (value,)
            for number, text in enumerate(texts):
                if isinstance(text, str) and text.strip().startswith(VERBS):
                    of_several = f"[{number}]" if isinstance(value, tuple) else ""
                    yield f"{module.name}.{name}{of_several}", text


STATEMENTS = dict(statements())


def plan(statement: str) -> list[str]:
    """The steps of a statement, in the database whose tables it names."""
    for schema in SCHEMAS.values():
        db = apsw.Connection(":memory:")
        fetched(db, schema)
        places = iter(range(1_000))
        text = PLACES.sub(lambda _, places=places: f"?{1 + next(places)}", statement)
        try:
            rows = fetched(db, f"EXPLAIN QUERY PLAN {text}", (None,) * next(places))
        except apsw.SQLError:
            continue
        return [str(row[-1]) for row in rows]
    raise AssertionError(f"no database has the tables of {statement}")


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_a_whole_table(name: str) -> None:
    for step in plan(STATEMENTS[name]):
        table = step.removeprefix("SCAN ").partition(" ")[0]
        reads_all = step.startswith("SCAN ") and not NARROWED.search(step)
        is_short = (
            table in SHORT
            or table.startswith("(subquery-")
            or (name == READS_THE_QUEUE and table == "queue")
        )
        assert not reads_all or is_short, f"{name}: {step}"
        assert not step.endswith("FOR ORDER BY"), f"{name}: {step}"


@pytest.mark.parametrize(("name", "index"), LISTS.items())
def test_every_list_names_its_index(name: str, index: str) -> None:
    assert any(step.endswith(f" {index}") for step in plan(STATEMENTS[name])), plan(
        STATEMENTS[name]
    )


def test_statements_are_found() -> None:
    assert STATEMENTS.keys() >= LISTS.keys()
