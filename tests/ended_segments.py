"""Two messages in a segment that has ended, of which one is erased in place, as erasing does."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.segments import HEAD
from chalicelib.domain.model import Message
from tests.kept_mail import Host, opened

SECRET, OTHER = "the words that are erased", "the words that stay"


async def two_messages(host: Host) -> tuple[Message, Message]:
    """In a segment that has ended, because its day is over."""
    (erased,) = await host.accept(words=SECRET)
    (stays,) = await host.accept(words=OTHER)
    (segment,) = host.folder.glob("bodies/*/*.seg")
    old = segment.parent.with_name("20200101")
    old.mkdir(mode=0o700)
    segment.rename(old / segment.name)
    segment.parent.rmdir()
    host.posthorn = opened(host.folder)
    key = f"20200101/{segment.name}"
    change(host, "UPDATE messages SET blob = json_set(blob, '$[0]', ?)", key)
    long_ago = time.time() - 86_400
    os.utime(old / segment.name, (long_ago, long_ago))
    return moved(erased, key), moved(stays, key)


def moved(message: Message, key: str) -> Message:
    return replace(message, blob=replace(message.blob, key=key))


def change(host: Host, statement: str, *values: object) -> None:
    db = apsw.Connection(str(host.folder / "mail.db"))
    db.execute(statement, values).fetchall()
    db.close()


def segment_of(folder: Path) -> Path:
    (found,) = folder.glob("bodies/20200101/*.seg")
    return found


def overwrite(host: Host, message: Message, offset: int, length: int) -> None:
    """Zeros in place of bytes of a body, counted from its head."""
    with segment_of(host.folder).open("r+b") as file:
        file.seek(message.blob.offset - HEAD.size + offset)
        file.write(bytes(length))


def erase(host: Host, message: Message) -> None:
    """Row and body, in place, as erasing does."""
    change(host, "DELETE FROM messages WHERE key & 0x7fffffff = ?", message.id)
    overwrite(host, message, 0, HEAD.size + message.blob.length)


def words(folder: Path) -> set[str]:
    content = segment_of(folder).read_bytes().decode("latin-1")
    return {text for text in (SECRET, OTHER) if text in content}
