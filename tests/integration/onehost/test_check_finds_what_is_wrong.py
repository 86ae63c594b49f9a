"""Rows, bodies and the key garbled one at a time are each found by `check`, which itself changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from chalicelib.domain.changes import Mark
from chalicelib.domain.model import Scope
from chalicelib.ports.messages import MessageStore
from chalicelib.services.queue.message_actions import MessageActions
from tests.integration.onehost.conftest import Run
from tests.integration.onehost.dated_backups import DatedBackups
from tests.kept_mail import fill, make_host
from tests.patience import PATIENCE

_BLOB = "UPDATE messages SET blob = json_set(blob, '$[{}]', {}) WHERE key & 15 = 1"
_MAIL = [
    ("UPDATE messages SET blob = 'x' WHERE key & 15 = 1", "Message 1/1 cannot be read"),
    ("UPDATE messages SET state = 'X' WHERE key & 15 = 2", "Message 1/2 cannot be read"),
    ("UPDATE messages SET token = substr(token, 2) || '0'", "Message 1/1 has a token of another"),
    (_BLOB.format(1, 17), "Message 1/1 has no body at 17 of "),
    (_BLOB.format(1, 99_999_999), "Message 1/1 has its body after the end of "),
    (_BLOB.format(2, 5), "Message 1/1 has no body at 16 of "),
    (
        _BLOB.format(0, "'20200101/a-1.seg'"),
        "bodies/20200101/a-1.seg is missing, with the bodies of 1",
    ),
    ("UPDATE events SET d_status = 'Lost' WHERE kind = 'delivery'", "of events cannot be read"),
    ("UPDATE events SET kind = 'song' WHERE seq = 1", "Row 1 of events cannot be read"),
    ("UPDATE events SET hit = '{' WHERE kind = 'click'", "of events cannot be read"),
    ("UPDATE events SET detail = '[]' WHERE kind = 'event'", "of events cannot be read"),
    ("UPDATE events SET detail = '{' WHERE kind = 'report'", "of events cannot be read"),
    ("UPDATE events SET detail = '[]' WHERE kind = 'mark'", "of events cannot be read"),
    ("UPDATE events SET operation = '[]' WHERE kind = 'operation'", "of events cannot be read"),
    ("UPDATE reports SET value = '{'", "of reports cannot be read"),
    ("UPDATE packs SET occurrences = x'00'", "Row 1 of packs cannot be read"),
    ("UPDATE webhook_deliveries SET value = '{'", "Row 1 of webhook_deliveries cannot be read"),
    ("UPDATE jobs SET value = '{'", "The job jba of server 1 cannot be read"),
    ("UPDATE queue SET body = '{' WHERE id = 1", "Row 1 of queue cannot be read"),
    ("UPDATE links SET packed = x'00'", "of links cannot be read"),
    ("UPDATE counters SET counts = '{'", "The counters of server 1 from "),
    ("UPDATE numbers SET n = 2 WHERE kind = 'message'", "Server 1 would give numbers again"),
    ("PRAGMA user_version = 9", "was written by a newer release (schema 9, this one knows 6)"),
    ("PRAGMA user_version = 0", "has no schema: it is empty, or no release has written it"),
]
_OTHER_KEY = """UPDATE nouns SET value = replace(value, '"selector":"', '"selector":"x') WHERE kind = 'domain'"""
_CONTROL = [
    ("UPDATE nouns SET value = '{' WHERE kind = 'domain'", "The domain acme.test cannot be read"),
    (_OTHER_KEY, "The key file does not open a secret of the domain acme.test"),
    ("DELETE FROM nouns WHERE kind = 'credential'", "A look-up of the credential "),
    (
        "UPDATE key_check SET sealed = x'0100'",
        "The key file is not the one that sealed the secrets",
    ),
]
ROWS = [("mail.db", *row) for row in _MAIL] + [("control.db", *row) for row in _CONTROL]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "state"

    async def make() -> None:
        host = await make_host(folder)
        mail = await fill(host)
        await host.posthorn[MessageActions].cancel(host.server.id, mail["held"].id)
        done = mail["done"].id, Scope.OUTGOING
        assert await host.posthorn[MessageStore].mark(
            host.server.id, *done, Mark.COMPLAINED, host.now, "1"
        )

    asyncio.run(make())
    return folder


@pytest.fixture
def state(made: Path, tmp_path: Path) -> Path:
    """A copy as a stopped program leaves it."""
    shutil.copytree(made, tmp_path / "state", copy_function=shutil.copy2)
    for name in ("mail.db", "control.db", "search.db"):
        db = apsw.Connection(str(tmp_path / "state" / name))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.close()
    return tmp_path / "state"


def test_a_sound_folder_has_no_faults_and_stays_as_it_is(state: Path, posthorn: Run) -> None:
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    for arguments in ((), ("--full",)):
        sound = posthorn("check", *arguments, "--state", str(state))
        assert (sound.code, sound.out, sound.err) == (0, "no faults\n", "")
    assert posthorn("check", "--json", "--state", str(state)).json == {"faults": [], "count": 0}
    assert {path: path.read_bytes() for path in before} == before


def test_it_runs_beside_a_program_that_has_the_folder_open(made: Path, posthorn: Run) -> None:
    assert posthorn("check", "--state", str(made)).code == 0


@pytest.mark.parametrize(("name", "statement", "sentence"), ROWS)
def test_a_garbled_row_is_found(
    name: str, statement: str, sentence: str, state: Path, posthorn: Run
) -> None:
    db = apsw.Connection(str(state / name))
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(statement)
    assert db.total_changes() or statement.startswith("PRAGMA")
    db.close()

    found = posthorn("check", "--state", str(state))

    assert (found.code, found.err) == (1, "")
    assert sentence in found.out
    told = posthorn("check", "--json", "--state", str(state)).json
    noun = "fault" if told["count"] == 1 else "faults"
    assert found.out.splitlines()[-1] == f"{told['count']} {noun}"
    assert told["count"] == len(told["faults"]) == len(found.out.splitlines()) - 1


HEALED = "UPDATE numbers SET n = 2 WHERE kind = 'message'"  # a restore raises all numbers


@pytest.mark.parametrize(("name", "statement"), [row[:2] for row in ROWS if row[1] != HEALED])
def test_a_backup_with_a_garbled_row_is_not_proven(
    name: str, statement: str, state: Path, tmp_path: Path, posthorn: Run
) -> None:
    db = apsw.Connection(str(state / name))
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(statement)
    db.close()
    dated = DatedBackups(state, tmp_path / "backups", posthorn)
    dated.folder.mkdir(mode=0o700)
    done = dated.run()
    assert (done.code, "sound" in done.out) == (1, False)
    assert all(line.startswith("posthorn: ") for line in done.err.splitlines())
    assert dated.notes.proven_at == 0
    assert dated.left() == set()


def _flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes((byte ^ 1,)))


def _segment(state: Path) -> Path:
    return next(path for path in state.glob("bodies/*/*.seg") if path.stat().st_size > 100)


@pytest.mark.parametrize(
    "at", [0, 5, 9, 14, 16, 40], ids="magic length crc server first body".split()
)
def test_a_changed_bit_of_a_body_is_found(at: int, state: Path, posthorn: Run) -> None:
    _flip(_segment(state), at)
    found = posthorn("check", "--state", str(state))
    assert (found.code, found.out.splitlines()[-1]) == (1, "1 fault")
    assert found.out.startswith("Message 1/1 has ")


def _cut(state: Path) -> str:
    segment = _segment(state)
    os.truncate(segment, segment.stat().st_size - 1)
    return "has a damaged body"


def _lost(state: Path) -> str:
    segment = _segment(state)
    segment.unlink()
    return f"bodies/{segment.parent.name}/{segment.name} is missing, with the bodies of 5 messages"


def _page(state: Path) -> str:
    _flip(state / "mail.db", 4096 * 3)
    return "mail.db"


def _head(state: Path) -> str:
    _flip(state / "control.db", 3)
    return "control.db cannot be read"


def _no_database(state: Path) -> str:
    (state / "mail.db").unlink()
    return f"{state}/mail.db is missing"


def _no_key(state: Path) -> str:
    (state / "key").unlink()
    return f"The key file {state}/key is missing"


def _key_for_all(state: Path) -> str:
    (state / "key").chmod(0o644)
    return f"Others may read the key file {state}/key"


def _folder_for_all(state: Path) -> str:
    state.chmod(0o755)
    return f"Others may look into the state folder {state}"


@pytest.mark.parametrize(
    "damage",
    [_cut, _lost, _page, _head, _no_database, _no_key, _key_for_all, _folder_for_all],
    ids=lambda one: one.__name__.strip("_"),
)
def test_a_damaged_file_is_found(damage: Callable[[Path], str], state: Path, posthorn: Run) -> None:
    sentence = damage(state)
    found = posthorn("check", "--state", str(state))
    assert (found.code, found.err) == (1, "")
    assert sentence in found.out


ENDLESS = """
import sys
import onehost.storage.check
from onehost.main import main
endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

def run(db, *_, **__):
    print("runs", flush=True)
    return db.execute(endless)

onehost.storage.check.structure_faults = run
raise SystemExit(main(["check", "--state", sys.argv[1]]))
"""


def test_it_may_be_stopped(state: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(state)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130
        finally:
            process.kill()
