"""control.db: the configuration, made of the declarations of its nouns, so that a new noun needs no new SQL.

A noun is a row with its kind (the word of its declaration), its owner and its name there. Each other unique place of it
is a row of `look_ups`. Values are JSON, each field under its own name; bytes are `{"b": base64}`. A word that the key
of the state folder sealed shows at each opening whether the key is still the one that sealed the secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from chalicelib.adapters.sqlite.control_schema import CONTROL_SCHEMA
from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL, StateFolder
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.domain.tenancy.brought import BROUGHT, SERVER_TOKENS
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS

if TYPE_CHECKING:
    import apsw

CHECK_WORD = "SELECT sealed FROM key_check"
_KEEP_CHECK_WORD = "INSERT INTO key_check VALUES (1, ?)"
REMEMBERED = tuple(one.word for one in (SOURCES, BROUGHT, SERVER_TOKENS, TRACK_DOMAINS))
"""The kinds whose owners somebody asks for: on one host those of track domains, too, for who stands in front."""
# Older releases remembered the owners of every kind: each session that ever was.
_OTHERS = f"FROM owners WHERE kind NOT IN ({', '.join('?' * len(REMEMBERED))})"


class ControlDatabase(Database):
    """control.db of the state folder; PermanentFailure when the key is not the one that sealed its secrets."""

    beside: ClassVar[Mapping[str, int]] = {MAIL: len(MAIL_SCHEMA)}

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
