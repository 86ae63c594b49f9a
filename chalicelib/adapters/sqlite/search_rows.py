"""What search.db is told of messages and forgets of them, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import ID_BITS, key_of
from chalicelib.adapters.sqlite.search_merge import FORGOTTEN
from chalicelib.adapters.sqlite.search_schema import note
from chalicelib.adapters.sqlite.search_tokens import tokens
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.index_terms import terms_of

if TYPE_CHECKING:
    import apsw

SPAN_BITS = 10
# A whole server stands under the key of none of its messages.
_REFUSED = (
    "SELECT 1 FROM forgotten WHERE key IN (?, ?)"
    " UNION ALL SELECT 1 FROM told WHERE key = ? AND version > ?"
)
_INDEX = "INSERT OR REPLACE INTO search(rowid, terms) VALUES (?, ?)"
_TELL = "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)"
_SPAN = (
    "INSERT INTO spans VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
    " SET first = min(first, excluded.first), last = max(last, excluded.last)"
)
_FORGET = ("DELETE FROM search WHERE rowid = ?", "DELETE FROM told WHERE key = ?")
_NEVER_AGAIN = "INSERT OR REPLACE INTO forgotten VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Told:
    """A message as search.db keeps it."""

    key: int
    version: int
    received_at: float
    size: int
    text: str


def told(found: Sequence[Findable]) -> list[Told]:
    """What is to be kept of messages, in the order in which the index takes them best."""
    each = (
        Told(
            key_of(one.server, one.message),
            one.version,
            one.received_at,
            one.size,
            tokens(one.server, one.scope, terms_of(one)),
        )
        for one in found
    )
    return sorted(each, key=lambda one: one.key)


def tell(db: apsw.Connection, messages: Sequence[Told]) -> None:
    """Keep them in place of what was known with a smaller or the same version."""
    for one in messages:
        whole_server = one.key >> ID_BITS << ID_BITS
        if fetched(db, _REFUSED, (one.key, whole_server, one.key, one.version)):
            continue
        db.execute(_INDEX, (one.key, one.text))
        db.execute(_TELL, (one.key, one.version, one.received_at, one.size))
        db.execute(_SPAN, (one.key >> SPAN_BITS, one.received_at, one.received_at))


def forget(db: apsw.Connection, keys: Sequence[int], keep_until: float) -> None:
    """Find messages no more, and refuse to be told of them until then: who read one before it went may tell of it late.
    Their words stay until `merge_step` has come to its end."""
    for key in keys:
        for statement in _FORGET:
            fetched(db, statement, (key,))
        fetched(db, _NEVER_AGAIN, (key, int(keep_until)))
    if keys:
        note(db, FORGOTTEN, 1)


def refuse_server(db: apsw.Connection, server: ServerId, keep_until: float) -> None:
    """Refuse to be told of any message of a server until then."""
    fetched(db, _NEVER_AGAIN, (key_of(server, 0), int(keep_until)))
