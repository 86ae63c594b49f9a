"""The tables of mail.db: messages and all that is kept beside them.

`key` is `server << 31 | id`: one integer finds a message, a server's messages lie side by side in the order of their
ids, and no index needs the server, because the key ends every entry of an index. A version of the schema is never
changed once it was released; the next one is added behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.adapters.sqlite.columns import declarations
from chalicelib.adapters.sqlite.control_schema import CONTROL_SCHEMA
from chalicelib.adapters.sqlite.database import Database
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL, StateFolder
from chalicelib.adapters.sqlite.mail_schema_imported import IMPORTED_TOKENS
from chalicelib.domain.fields import DELIVERY, MESSAGE, RECORD
from chalicelib.domain.numbering import MessageId, ServerId

ID_BITS = 31
# The key tells these two.
NOT_COLUMNS = ("server_id", "id")
_OF_VERSION_2 = ("operation", "resent_as")
_OF_VERSION_3 = (
    *("arrival", "reports_on", "inspection", "bounce_of", "replay", "bounced_as", "released"),
    *("cause", "report"),
)
_OF_VERSION_4 = (
    *("stream", "metadata", "scheduled_at", "unsubscribe", "sends_at", "sent_at", "failed_at"),
    "rescheduled_at",
    *("complained_at", "unsubscribed_at", "person_opened_at", "person_clicked_at", "provider"),
    *("limits", "counted", "limit_hold"),
)
_OF_VERSION_5 = ("jobs",)
_OF_VERSION_6 = ("conversation", "acceptance", "request", "checked")
_LATER = (*_OF_VERSION_2, *_OF_VERSION_3, *_OF_VERSION_4, *_OF_VERSION_5, *_OF_VERSION_6)
_MESSAGE = ", ".join(declarations(MESSAGE, (*NOT_COLUMNS, *_LATER)))
_RECORD = ", ".join(declarations(RECORD, _LATER))
_DELIVERY = ", ".join(f"d_{one}".replace(" NOT NULL", "") for one in declarations(DELIVERY, _LATER))

VERSION_1 = f"""
CREATE TABLE messages(
  key INTEGER PRIMARY KEY, {_MESSAGE}, {_RECORD},
  rcpt_key TEXT NOT NULL /* the recipient without case */, taken_over INTEGER NOT NULL DEFAULT 0,
  logged INTEGER NOT NULL DEFAULT 0 /* how many deliveries: 0 saves the look into events */, flag TEXT, due_at INTEGER);
CREATE INDEX by_scope ON messages(scope);
CREATE INDEX by_rcpt ON messages(rcpt_key);
CREATE INDEX by_flag ON messages(flag, scope) WHERE flag IS NOT NULL;
CREATE INDEX by_due ON messages(due_at) WHERE due_at IS NOT NULL;

/* The log of each message, and what consumers are told. AUTOINCREMENT: no number is given twice. */
CREATE TABLE events(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL, kind TEXT NOT NULL /* new delivery open click */,
  at REAL NOT NULL, keep_until INTEGER, hit TEXT /* JSON */, {_DELIVERY});
CREATE INDEX by_message ON events(key, seq) WHERE kind = 'delivery';
CREATE INDEX by_hit ON events(key, at) WHERE kind IN ('open', 'click');
CREATE INDEX by_new ON events(seq) WHERE kind = 'new';
CREATE INDEX by_end ON events(keep_until) WHERE keep_until IS NOT NULL;

/* A job of a message that is there needs no body. `owner` is the process that was handed it. */
CREATE TABLE queue(
  id INTEGER PRIMARY KEY AUTOINCREMENT, pool TEXT NOT NULL, visible_at REAL NOT NULL,
  receives INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '', key INTEGER NOT NULL, attempt INTEGER NOT NULL,
  manual INTEGER NOT NULL, body TEXT);
CREATE INDEX by_visible ON queue(pool, visible_at);
CREATE INDEX by_owner ON queue(owner) WHERE owner != '';
CREATE INDEX by_death ON queue(id) WHERE receives >= 20 /* MOST_RECEIVES */;

CREATE TABLE links(key INTEGER PRIMARY KEY, keep_until INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE INDEX links_by_end ON links(keep_until);
CREATE TABLE numbers(server INTEGER, kind TEXT, n INTEGER NOT NULL, PRIMARY KEY(server, kind)) WITHOUT ROWID;
CREATE TABLE send_rate(server INTEGER, minute INTEGER, n INTEGER NOT NULL, PRIMARY KEY(server, minute)) WITHOUT ROWID;
CREATE TABLE answers(
  server INTEGER, name TEXT, fingerprint TEXT NOT NULL, started_at REAL NOT NULL, status INTEGER, body TEXT,
  PRIMARY KEY(server, name)) WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers(started_at);
CREATE TABLE suppressions(
  server INTEGER, rcpt_key TEXT, address TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL,
  keep_until INTEGER NOT NULL, PRIMARY KEY(server, rcpt_key)) WITHOUT ROWID;
CREATE INDEX suppressions_by_end ON suppressions(keep_until);
CREATE TABLE counters(
  server INTEGER, period TEXT, start INTEGER, source TEXT, last TEXT NOT NULL, keep_until INTEGER,
  counts TEXT NOT NULL /* JSON */, PRIMARY KEY(server, period, start, source)) WITHOUT ROWID;
CREATE INDEX counters_by_end ON counters(keep_until) WHERE keep_until IS NOT NULL;
CREATE TABLE positions(consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
"""

# What somebody did with a message by hand lies in the message that it made, or in the log of the one that it changed.
VERSION_2 = """
ALTER TABLE messages ADD COLUMN operation TEXT /* JSON */;
ALTER TABLE messages ADD COLUMN resent_as TEXT /* JSON */;
ALTER TABLE events ADD COLUMN operation TEXT /* JSON */;
CREATE INDEX by_operation ON events(seq) WHERE kind = 'operation';
CREATE TABLE rates(
  name TEXT PRIMARY KEY, began REAL NOT NULL, n INTEGER NOT NULL, keep_until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX rates_by_end ON rates(keep_until);
"""

# How a message came in, the way it takes, what was found of it, what it reports on; why a delivery failed, and why
# nothing is sent.
VERSION_3 = """
ALTER TABLE messages ADD COLUMN arrival TEXT /* JSON */;
ALTER TABLE messages ADD COLUMN inspection TEXT /* JSON */;
ALTER TABLE messages ADD COLUMN bounce_of INTEGER;
ALTER TABLE messages ADD COLUMN reports_on INTEGER;
ALTER TABLE messages ADD COLUMN replay TEXT /* JSON */;
ALTER TABLE messages ADD COLUMN bounced_as INTEGER;
ALTER TABLE messages ADD COLUMN released INTEGER;
ALTER TABLE events ADD COLUMN d_cause TEXT;
ALTER TABLE events ADD COLUMN d_report INTEGER;
ALTER TABLE suppressions ADD COLUMN email INTEGER;
ALTER TABLE suppressions ADD COLUMN report INTEGER;
CREATE TABLE reports(
  key INTEGER PRIMARY KEY /* server << 31 | number */, at REAL NOT NULL, kind TEXT NOT NULL, cause TEXT,
  email INTEGER NOT NULL /* a key of messages */, report_email INTEGER NOT NULL /* an id */,
  value TEXT NOT NULL /* JSON */);
CREATE UNIQUE INDEX by_email ON reports(email, report_email);
CREATE TABLE greylist(
  name TEXT PRIMARY KEY, first_at REAL NOT NULL, keep_until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX greylist_by_end ON greylist(keep_until);
"""

# Streams and schedules, what first happened to a message and when.
VERSION_4 = """
ALTER TABLE messages ADD COLUMN stream TEXT;
ALTER TABLE messages ADD COLUMN metadata TEXT /* JSON */;
ALTER TABLE messages ADD COLUMN scheduled_at REAL;
ALTER TABLE messages ADD COLUMN unsubscribe INTEGER;
ALTER TABLE messages ADD COLUMN sends_at INTEGER;
ALTER TABLE messages ADD COLUMN rescheduled_at REAL;
ALTER TABLE messages ADD COLUMN sent_at REAL;
ALTER TABLE messages ADD COLUMN failed_at REAL;
ALTER TABLE messages ADD COLUMN complained_at REAL;
ALTER TABLE messages ADD COLUMN unsubscribed_at REAL;
ALTER TABLE messages ADD COLUMN person_opened_at REAL;
ALTER TABLE messages ADD COLUMN person_clicked_at REAL;
ALTER TABLE messages ADD COLUMN provider TEXT;

/* What consumers are told beside the log: kind 'mark' and 'report' with the detail, 'event' with an occurrence and its
   name, which is there once. A delivery has what must be told beside.
   The lists of events: packs of a server, and what they took of each source. */
ALTER TABLE events ADD COLUMN name TEXT;
ALTER TABLE events ADD COLUMN detail TEXT /* JSON */;
CREATE INDEX by_told ON events(seq) WHERE kind IN ('mark', 'report');
CREATE UNIQUE INDEX by_name ON events(key, name) WHERE kind = 'event';
CREATE TABLE packs(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, server INTEGER NOT NULL, keep_until INTEGER NOT NULL,
  occurrences BLOB NOT NULL);
CREATE INDEX packs_by_server ON packs(server, seq);
CREATE INDEX packs_by_end ON packs(keep_until);
CREATE TABLE pack_sources(
  server INTEGER, source TEXT, last TEXT NOT NULL, keep_until INTEGER NOT NULL, PRIMARY KEY(server, source)
) WITHOUT ROWID;
CREATE INDEX pack_sources_by_end ON pack_sources(keep_until);
/* Suppressions: `server` is below zero for the list of an organization, and behind `rcpt_key` stands the stream of an
entry that has one. */
ALTER TABLE suppressions ADD COLUMN stream TEXT;
ALTER TABLE suppressions ADD COLUMN note TEXT;
ALTER TABLE suppressions ADD COLUMN created_by TEXT NOT NULL DEFAULT 'system';
CREATE INDEX suppressions_by_time ON suppressions(server, at, rcpt_key);

DROP TABLE send_rate;
/* Send limits: what their windows have counted, and the lines of what they hold. An owner is its name. */
ALTER TABLE messages ADD COLUMN limits TEXT;
ALTER TABLE messages ADD COLUMN counted INTEGER;
ALTER TABLE messages ADD COLUMN limit_hold TEXT /* JSON */;
CREATE TABLE limit_counts(
  owner TEXT, period TEXT, slot INTEGER, n INTEGER NOT NULL, keep_until INTEGER NOT NULL,
  PRIMARY KEY(owner, period, slot)) WITHOUT ROWID;
CREATE INDEX limit_counts_by_end ON limit_counts(keep_until);
CREATE TABLE limit_lines(
  owner TEXT, period TEXT, due_at REAL NOT NULL, released_at REAL NOT NULL DEFAULT 0,
  most INTEGER, waiting INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(owner, period)) WITHOUT ROWID;
CREATE INDEX limit_lines_by_due ON limit_lines(due_at);
CREATE TABLE limit_standing(
  owner TEXT, period TEXT, at REAL, key INTEGER, attempt INTEGER NOT NULL,
  PRIMARY KEY(owner, period, at, key)) WITHOUT ROWID;
CREATE INDEX limit_standing_by_key ON limit_standing(key);
/* What is counted by tag, domain and so on, and what was taken of each source. `firsts`: `domain.firsts`. */
ALTER TABLE events ADD COLUMN firsts INTEGER;
CREATE TABLE group_counts(
  server INTEGER, dimension TEXT, period TEXT, start INTEGER, value TEXT, keep_until INTEGER,
  counts TEXT NOT NULL /* JSON */, PRIMARY KEY(server, dimension, period, start, value)) WITHOUT ROWID;
CREATE INDEX group_counts_by_end ON group_counts(keep_until) WHERE keep_until IS NOT NULL;
CREATE TABLE group_sources(
  server INTEGER, source TEXT, last TEXT NOT NULL, PRIMARY KEY(server, source)) WITHOUT ROWID;
/* Events on their way to webhooks, and the line of each webhook. */
CREATE TABLE webhook_deliveries(
  server INTEGER NOT NULL, id TEXT NOT NULL, webhook TEXT NOT NULL, event TEXT NOT NULL, email INTEGER,
  status TEXT NOT NULL, created_at REAL NOT NULL, due_at REAL, version INTEGER NOT NULL, keep_until INTEGER NOT NULL,
  value TEXT NOT NULL /* JSON, without the payload */, payload BLOB NOT NULL, PRIMARY KEY(server, id));
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries(webhook, id);
CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries(webhook, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries(keep_until);
CREATE TABLE webhook_lanes(
  server INTEGER, webhook TEXT, owner TEXT NOT NULL DEFAULT '', until REAL NOT NULL DEFAULT 0, failing_since REAL,
  is_slow INTEGER NOT NULL DEFAULT 0, due_at REAL, PRIMARY KEY(server, webhook)) WITHOUT ROWID;
CREATE INDEX webhook_lanes_by_due ON webhook_lanes(due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_lanes_by_owner ON webhook_lanes(owner) WHERE owner > '';
/* Who unsubscribes from what by the link in a message, which it outlives. */
CREATE TABLE unsubscribes(
  key INTEGER PRIMARY KEY, recipient TEXT NOT NULL, stream TEXT NOT NULL, keep_until INTEGER NOT NULL);
CREATE INDEX unsubscribes_by_end ON unsubscribes(keep_until);
/* Jobs, and what each piece of one is about. `opened_at` is there while a job is not over. */
CREATE TABLE jobs(
  server INTEGER, id TEXT, version INTEGER NOT NULL, opened_at REAL, keep_until INTEGER NOT NULL,
  value TEXT NOT NULL /* JSON */, PRIMARY KEY(server, id)) WITHOUT ROWID;
CREATE INDEX jobs_by_opening ON jobs(opened_at, id) WHERE opened_at IS NOT NULL;
CREATE INDEX jobs_by_end ON jobs(keep_until);
CREATE TABLE job_pieces(
  server INTEGER, job TEXT, piece INTEGER, keep_until INTEGER NOT NULL, ids BLOB NOT NULL,
  PRIMARY KEY(server, job, piece)) WITHOUT ROWID;
CREATE INDEX job_pieces_by_end ON job_pieces(keep_until);
"""

VERSION_5 = f"""
/* When somebody first unsubscribed by a link whose message was gone. */
ALTER TABLE unsubscribes ADD COLUMN unsubscribed_at REAL;
/* The last jobs that did something with a message. */
ALTER TABLE messages ADD COLUMN jobs TEXT;
{IMPORTED_TOKENS}
/* Bytes of the bodies that are stored, by the server and the day of their segment. */
CREATE TABLE content_days(
  server INTEGER, day TEXT, bytes INTEGER NOT NULL, PRIMARY KEY(server, day)) WITHOUT ROWID;
INSERT INTO content_days SELECT server, day, sum(length) FROM (
  SELECT DISTINCT key >> 31 AS server, substr(blob ->> 0, 1, 8) AS day, blob, blob ->> 2 AS length FROM messages)
  WHERE length > 0 AND day GLOB '[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]' GROUP BY server, day;
/* Where work stands that goes on in the next run. */
CREATE TABLE progress(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

# How a message came in, with which others, what it passed before it was sent, and what was said in each attempt.
VERSION_6 = """
ALTER TABLE messages ADD COLUMN acceptance TEXT;
ALTER TABLE messages ADD COLUMN request INTEGER;
ALTER TABLE messages ADD COLUMN checked TEXT;
ALTER TABLE events ADD COLUMN d_conversation BLOB;
"""

MAIL_SCHEMA = (VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6)


class MailDatabase(Database):
    """mail.db of the state folder."""

    beside: ClassVar[Mapping[str, int]] = {CONTROL: len(CONTROL_SCHEMA)}

    def __init__(self, folder: StateFolder) -> None:
        super().__init__(folder, MAIL, MAIL_SCHEMA)


def key_of(server: ServerId, message: int) -> int:
    """The key of a message."""
    return server << ID_BITS | message


def ids_of(key: int) -> tuple[ServerId, MessageId]:
    """The server and the message of a key."""
    return ServerId(key >> ID_BITS), MessageId(key & (1 << ID_BITS) - 1)
