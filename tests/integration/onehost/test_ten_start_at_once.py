"""Ten processes open a state folder that is not there yet, at the same moment: all get the schema and the one key, none
fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.control_schema import CONTROL_SCHEMA
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA, MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.patience import PATIENCE

PROCESSES = 10
# Forked from one that loaded everything, and released together when its end of the pipe is closed.
TOGETHER = r"""
import asyncio, os, sys
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.numbers import Numbers

Posthorn(Settings(), "sqlite")[Numbers]
waiting, released = os.pipe()
children = []
for number in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        os.close(released)
        os.read(waiting, 1)
        program = Posthorn(Settings(state_folder=sys.argv[1]), "sqlite")
        program[ControlDatabase]
        taken = asyncio.run(program[Numbers].take(1, "m", 1))
        os.write(1, b"%d\n" % taken[0])
        os._exit(0)
    children.append(child)
os.close(released)
ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
sys.exit(max(ends))
"""


def test_ten_processes_open_a_new_folder_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    ran = subprocess.run(
        [sys.executable, "-c", TOGETHER, str(folder), str(PROCESSES)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(set(ran.stdout.split())) == PROCESSES
    for name, schema in (("mail.db", MAIL_SCHEMA), ("control.db", CONTROL_SCHEMA)):
        db = apsw.Connection(str(folder / name))
        assert fetched(db, "PRAGMA integrity_check") == [("ok",)]
        assert fetched(db, "PRAGMA user_version") == [(len(schema),)]
        db.close()


def test_ten_processes_at_once_make_one_key(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    program = (
        "import sys; from chalicelib.config import Settings; from chalicelib.bootstrap import Posthorn;"
        "from chalicelib.adapters.sqlite.control import ControlDatabase;"
        "Posthorn(Settings(state_folder=sys.argv[1]), 'sqlite')[ControlDatabase]"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(folder)]) for _ in range(PROCESSES)
    ]
    assert [one.wait(PATIENCE) for one in running] == [0] * PROCESSES
    opened = Posthorn(Settings(state_folder=str(folder)), "sqlite")
    assert opened[ControlDatabase]
    assert opened[MailDatabase]
