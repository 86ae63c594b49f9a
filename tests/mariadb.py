"""A MariaDB of our own (Debian: mariadb-server), filled with what a Postal 3.3.6 installation was recorded to hold.

    with running_mariadb(folder) as place:
        postal = Postal(place)
        postal.fill(golden())

It is an ordinary process on a folder of its own at a free port of 127.0.0.1. As root it is run as nobody, because it
refuses to be root; its folder must not lie in one of pytest, which closes its own to others at each start. Without the
program, what needs it is skipped.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.loopback import free_port
from tests.patience import PATIENCE

GOLDEN = Path(__file__).parent / "data" / "golden" / "database.json"
USER, PASSWORD = "reader", "p@ss/word"
SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
INSTALL = shutil.which("mariadb-install-db")
needs_mariadb = pytest.mark.skipif(
    SERVER is None or INSTALL is None, reason="mariadbd is absent (Debian: mariadb-server)"
)
Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class MariaDb:
    """A running server."""

    port: int

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        """As somebody who may write."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="writer",
            password="w",
            database=database,
            autocommit=True,
            charset="utf8mb4",
            sql_mode="",
        )


@contextlib.contextmanager
def running_mariadb(folder: Path) -> Iterator[MariaDb]:
    """Run it until the block ends, with two users: one who reads, as the command does, and one who writes."""
    assert SERVER is not None and INSTALL is not None
    data, temporary, port = folder / "mariadb", folder / "temporary", free_port()
    for each in (data, temporary):
        each.mkdir(parents=True)
    user = []
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for each in (data, temporary):
            os.chown(each, nobody.pw_uid, nobody.pw_gid)
        for above in (folder, *folder.parents):
            if above.stat().st_uid == 0 and above != Path("/"):
                above.chmod(above.stat().st_mode | 0o001)
        user = ["--user=nobody"]
    made = [INSTALL, "--no-defaults", f"--datadir={data}", "--skip-test-db", *user]
    # A server that starts removes the temporary tables of all others from the folder that they share.
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        made, check=False, capture_output=True, timeout=2 * PATIENCE, env=environment
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    start = data / "users.sql"
    start.write_text(
        f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT SELECT ON *.* TO '{USER}'@'127.0.0.1';\n"
        "CREATE USER 'writer'@'127.0.0.1' IDENTIFIED BY 'w';\n"
        "GRANT ALL ON *.* TO 'writer'@'127.0.0.1';\n"
    )
    start.chmod(0o644)
    options = [f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", *user]
    options += [f"--socket={data}/socket", f"--pid-file={data}/pid", f"--init-file={start}"]
    options += ["--skip-name-resolve", "--innodb-buffer-pool-size=64M", "--skip-networking=0"]
    options += ["--innodb-flush-log-at-trx-commit=0", "--performance-schema=0", "--skip-log-bin"]
    with (folder / "mariadb.output").open("wb") as output:
        process = subprocess.Popen(
            [SERVER, "--no-defaults", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    found = MariaDb(port)
    try:
        _wait_for(process, found, folder / "mariadb.output")
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def golden() -> dict[str, Tables]:
    """What was recorded, with keys in the places of those that were left out."""
    found: dict[str, Tables] = deepcopy(json.loads(GOLDEN.read_text()))
    for row in found["main"]["domains"]["rows"]:
        row["dkim_private_key"] = an_rsa_key(1024)
    return found


def an_rsa_key(bits: int) -> str:
    """A private key as Postal keeps it: PEM, PKCS#1."""
    key = generate_private_key(public_exponent=65_537, key_size=bits)
    form = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@dataclass(frozen=True, slots=True)
class Postal:
    """An installation of Postal on a server, in databases of its own."""

    place: MariaDb
    name: str = field(default_factory=lambda: f"postal{secrets.token_hex(4)}")

    @property
    def url(self) -> str:
        """What the command is told."""
        return f"mysql://{USER}:p%40ss%2Fword@127.0.0.1:{self.place.port}/{self.name}"

    def messages(self, server: int) -> str:
        """The message database of a server."""
        return f"{self.name}-server-{server}"

    def run(self, statement: str, *values: Any, server: int | None = None) -> None:
        """One statement, in the main database or in that of a server."""
        database = self.name if server is None else self.messages(server)
        with self.place.connect(database) as db, db.cursor() as cursor:
            cursor.execute(statement, values)

    def fill(self, given: Mapping[str, Tables], servers: Sequence[int] = (2,)) -> None:
        """Make the main database, and for these servers a message database each with what was recorded of one; the
        others have an empty one."""
        create(self.place, self.name, given["main"])
        for number in (row["id"] for row in given["main"]["servers"]["rows"]):
            tables = given["server"]
            if number not in servers:
                tables = {name: one | {"rows": []} for name, one in tables.items()}
            create(self.place, self.messages(number), tables)


def create(place: MariaDb, database: str, tables: Tables) -> None:
    """A database with these tables and rows."""
    with place.connect() as db, db.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4")
        cursor.execute(f"USE `{database}`")
        for name, table in tables.items():
            columns = [
                f"`{column}` {kind}{' NOT NULL' if null == 'NO' else ''}"
                for column, kind, null in table["columns"]
            ]
            names = [column for column, _, _ in table["columns"]]
            key = [f"PRIMARY KEY(`{names[0]}`)"] if names[0] in ("id", "version") else []
            indexed = [one for one in ("message_id", "server_id") if one in names]
            keys = [f"KEY `on_{one}` (`{one}`)" for one in indexed if name != "messages"]
            cursor.execute(f"CREATE TABLE `{name}` ({', '.join([*columns, *key, *keys])})")
            insert(cursor, name, table, table["rows"])


def insert(cursor: Any, name: str, table: Mapping[str, Any], rows: Sequence[Any]) -> None:
    """Rows as they were recorded: blobs are base64."""
    names = [column for column, _, _ in table["columns"]]
    blobs = {column for column, kind, _ in table["columns"] if "blob" in kind}
    if not rows:
        return
    values = [
        [
            base64.b64decode(row[one]) if one in blobs and row[one] is not None else row[one]
            for one in names
        ]
        for row in rows
    ]
    marks = ", ".join(["%s"] * len(names))
    listed = ", ".join(f"`{one}`" for one in names)
    cursor.executemany(f"INSERT INTO `{name}` ({listed}) VALUES ({marks})", values)  # noqa: S608


def _wait_for(process: subprocess.Popen[bytes], place: MariaDb, output: Path) -> None:
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, output.read_text()
        with contextlib.suppress(pymysql.Error):
            place.connect().close()
            return
        time.sleep(0.1)
    raise AssertionError(output.read_text())
