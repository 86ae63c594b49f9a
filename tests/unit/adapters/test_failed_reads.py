"""A read that fails is a temporary failure, whatever the library calls it: nobody stops working for it."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure


@pytest.mark.parametrize("folder", ["", "state"])
def test_a_read_that_fails_is_a_temporary_failure(tmp_path: Path, folder: str) -> None:
    place = str(tmp_path / folder) if folder else ""
    database = Posthorn(Settings(state_folder=place), "sqlite")[MailDatabase]

    def broken(_: apsw.Connection) -> None:
        raise apsw.exception_for(apsw.SQLITE_IOERR_READ)

    with pytest.raises(TemporaryFailure):
        database.read(broken)
    assert database.read(lambda db: db.execute("SELECT 1").fetchall()) == [(1,)]
