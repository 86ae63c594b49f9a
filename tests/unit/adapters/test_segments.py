"""Bodies are on the disk before a row names them, whichever port appended them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.intake import Intake, Mail
from tests.fakes import NOW, a_message, a_server_id


@pytest.mark.parametrize("port", [Intake, BlobStore])
async def test_bodies_are_flushed_within_the_transaction_that_names_them(
    port: type[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Posthorn(Settings(state_folder=str(tmp_path / "state")), "sqlite")
    server, fdatasync = a_server_id(), os.fdatasync
    stored: list[bool] = []

    def sync(descriptor: int) -> None:
        stored.append(program[MailDatabase]._writer.in_transaction)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", sync)
    if port is Intake:
        mail = Mail(b"body", server, lambda blob: (a_message(server, 1, blob=blob),))
        await program[Intake].store([mail], NOW)
    else:
        await program[BlobStore].put(server, [b"body"], NOW)
    assert stored == [True]
