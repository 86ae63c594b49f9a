"""What the release before wrote into the log is told after an upgrade, as events too."""

from __future__ import annotations

from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.adapters.sqlite.mail_schema import key_of
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.changes import LogEntry, Operated
from chalicelib.domain.events.occurrences import occurrences
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.operations import render_operation
from tests.fakes import NOW, an_operation
from tests.integration.onehost.test_schemas import RELEASED, folder_at

KEY = key_of(ServerId(7), 1)
MESSAGE = (
    "INSERT INTO messages(key, token, scope, mail_from, rcpt_to, subject, message_id, received_at, size, blob, pool,"
    " domain, credential_id, status, state, attempt, rcpt_key)"
    " VALUES (?, 't', 'outgoing', 'a', 'b', 's', 'm', ?, 9, '[\"k\", 0, 9]', 'p', 'd', 'c', 'Sent', 'D', 2, 'b')"
)


async def test_rows_of_the_release_before_are_changes(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "older")
    SealingKeys(folder, SystemRand())
    db = apsw.Connection(str(folder.file("mail.db")))
    fetched(db, (RELEASED / "mail-3.sql").read_text())
    fetched(db, "PRAGMA user_version=3")
    fetched(db, MESSAGE, (KEY, NOW + 0.5))
    rows = (
        ("new", None, None),
        ("delivery", 31, "SoftFail"),
        ("delivery", 32, "Bounced"),
        ("open", None, None),
    )
    for kind, number, status in rows:
        fetched(
            db,
            'INSERT INTO events(key, kind, at, d_id, d_status, hit) VALUES (?, ?, ?, ?, ?, \'["", "", "", false]\')',
            (KEY, kind, NOW, number, status),
        )
    operation = render_operation(an_operation("release", 1, before='{"status":"Held"}'))
    fetched(
        db,
        "INSERT INTO events(key, kind, at, operation) VALUES (?, 'operation', ?, ?)",
        (KEY, NOW, operation),
    )
    db.close()

    program = Posthorn(Settings(state_folder=str(folder.path)), "sqlite")
    changes, position = program[EventFeed].read()
    assert position == 5
    assert isinstance(changes[0], LogEntry)
    assert isinstance(changes[-1], Operated)
    told = [(one.type, one.what) for change in changes for one in occurrences(change)]
    assert told == [
        (EventType.EMAIL_DELAYED, "31"),
        (EventType.EMAIL_BOUNCED, "32"),
        (EventType.EMAIL_OPENED, "4"),
        (EventType.EMAIL_RELEASED, "1"),
    ]
