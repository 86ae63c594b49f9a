"""What the release before has stored is there after an upgrade, and counted where nothing counted it before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.message_verbs import done_by, is_done_by
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.contents import Contents
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.unsubscribe_links import UnsubscribeLinks
from tests.fakes import NOW
from tests.integration.onehost.test_older_logs_are_told import MESSAGE
from tests.integration.onehost.test_schemas import RELEASED, folder_at
from tests.patience import PATIENCE

if TYPE_CHECKING:
    import apsw

ONE, OTHER = ServerId(7), ServerId(8)
# Two messages of a request share a body, a third has one of its own; an old one of another server has none any more.
BODIES = {
    (ONE, 1): '["20261101/a-1.seg", 16, 100]',
    (ONE, 2): '["20261101/a-1.seg", 16, 100]',
    (ONE, 3): '["20261101/a-1.seg", 132, 40]',
    (ONE, 4): '["20261102/b-1.seg", 16, 7]',
    (OTHER, 1): '["20261101/a-1.seg", 300, 1000]',
    (OTHER, 2): '["", 0, 0]',
}


def fill(db: apsw.Connection) -> None:
    for (server, number), body in BODIES.items():
        key = key_of(server, number)
        fetched(db, MESSAGE, (key, NOW))
        fetched(db, "UPDATE messages SET blob = ?, token = ? WHERE key = ?", (body, str(key), key))
    fetched(
        db,
        "INSERT INTO unsubscribes(key, recipient, stream, keep_until) VALUES (?, 'b@b.test', 'news', ?)",
        (key_of(ONE, 1), int(NOW) + 99),
    )


@pytest.fixture
def program(tmp_path: Path) -> Posthorn:
    folder: StateFolder = folder_at(tmp_path / "older")
    SealingKeys(folder, SystemRand())
    import apsw

    db = apsw.Connection(str(folder.file("mail.db")))
    fetched(db, (RELEASED / "mail-4.sql").read_text())
    fetched(db, "PRAGMA user_version=4")
    fill(db)
    db.close()
    return Posthorn(Settings(state_folder=str(folder.path)), "sqlite")


async def test_messages_are_what_they_were_and_jobs_leave_their_marks(program: Posthorn) -> None:
    store = program[MessageStore]
    found = await store.get(ONE, MessageId(2))
    assert (found.status, found.attempt, found.message.blob.length) == (Status.SENT, 2, 100)
    assert not is_done_by(found, "jbone")
    marked: MessageRecord = done_by(found, "jbone")
    assert await store.replace(found, marked)
    assert is_done_by(await store.get(ONE, MessageId(2)), "jbone")


async def test_contents_are_counted_each_once_by_server_and_day(program: Posthorn) -> None:
    contents = program[Contents]
    assert await contents.days(ONE) == {"20261101": 140, "20261102": 7}
    assert await contents.days(OTHER) == {"20261101": 1_000}
    assert await contents.counted(ONE) == 147


async def test_links_to_unsubscribe_stay(program: Posthorn) -> None:
    link = await program[UnsubscribeLinks].get(ONE, MessageId(1), NOW)
    assert (link.recipient, link.stream) == ("b@b.test", "news")
    with pytest.raises(Exception, match="link"):
        await program[UnsubscribeLinks].get(ONE, MessageId(2), NOW)


async def test_searches_find_them(program: Posthorn) -> None:
    index, query = program[SqliteMailIndex], parse_query("status:sent", NOW)
    assert len((await index.find(ONE, None, query, 100)).messages) == 4
    await index.tidy(PATIENCE)
    assert len((await index.find(ONE, None, query, 100)).messages) == 4
    assert fetched(program[MailDatabase]._writer, "PRAGMA quick_check") == [("ok",)]
