"""What a test sees and does in the stores of an installation in memory, past its ports."""

from __future__ import annotations

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.records import SELECTED, read_record
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import BlobRef, Message

HEAD_BYTES = 16  # in front of each body of a segment


def all_messages(posthorn: Posthorn) -> list[Message]:
    """Every stored message, a server's oldest first."""
    statement = f"SELECT {SELECTED} FROM messages ORDER BY key"  # noqa: S608  # constants alone
    rows = posthorn[MailDatabase].read(lambda db: fetched(db, statement))
    return [read_record(row).message for row in rows]


async def forget_messages(posthorn: Posthorn) -> None:
    """Take every record away, with its log."""

    def forget(db: object) -> None:
        fetched(db, "DELETE FROM messages")
        fetched(db, "DELETE FROM events")

    await posthorn[MailDatabase].write(forget)


def purge(posthorn: Posthorn, ref: BlobRef) -> None:
    """Take the bytes of one body away, as retention does: others of its segment stay."""
    segment = posthorn[Segments]._in_memory[ref.key]
    begin = ref.offset - HEAD_BYTES
    segment[begin : ref.offset + ref.length] = bytes(HEAD_BYTES + ref.length)
