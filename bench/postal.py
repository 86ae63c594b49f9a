"""An import from a large Postal, killed twice on its way: seconds, CPU and memory of each run, and that all is there.

    .venv/bin/python -m bench.postal --servers 100 --messages 1000000

It needs mariadbd (Debian: mariadb-server), and some 8 KiB of disk a message below TMPDIR.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from tests.large_postal import fill_large
from tests.mariadb import Postal, golden, running_mariadb
from tests.resident_memory import peak_mib

COMMAND = "import sys; from onehost.main import main; sys.exit(main(sys.argv[1:]))"
MOST_MEBIBYTES = 300
STEP = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """What one process used, and whether it came to its end."""

    ended: bool
    seconds: float
    cpu: float
    mebibytes: float


def run_until(
    arguments: Sequence[str], environment: Mapping[str, str], done: int, state: Path
) -> Run:
    """Run the command, killed once the state folder has so many messages; 0 for never."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    killed, most = False, 0.0
    while True:
        most = peak_mib(process.pid) or most
        number, status, used = os.wait4(process.pid, os.WNOHANG)
        if number:
            break
        if done and not killed and messages(state) >= done:
            process.kill()
            killed = True
        time.sleep(STEP)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert killed or process.returncode == 0, process.returncode
    cpu = used.ru_utime + used.ru_stime
    return Run(not killed, time.monotonic() - began, cpu, most)


def messages(state: Path) -> int:
    """How many messages a state folder has."""
    path = state / "mail.db"
    if not path.exists():
        return 0
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error:
        return 0
    try:
        return int(next(db.execute("SELECT count(*) FROM messages"))[0])
    except apsw.Error:
        return 0
    finally:
        db.close()


def bring(postal: Postal, folder: Path, kills: Sequence[int]) -> list[Run]:
    """Bring it, killed at each of these numbers of messages; the last run comes to its end."""
    config, state = folder / "postal.yml", folder / "state"
    config.write_text(f"version: 2\nmessage_db:\n  database_name_prefix: {postal.name}\n")
    arguments = ["import", "postal", "--url", postal.url, "--config", str(config), "--history"]
    environment = os.environ | {
        "POSTHORN_STATE_FOLDER": str(state),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return [run_until(arguments, environment, done, state) for done in (*kills, 0)]


def main() -> int:
    """Print a line a run; 1 when the last one did not bring everything within the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--messages", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posthorn-postal-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_mariadb(folder) as place:
            postal = fill_large(place, golden(), chosen.servers, chosen.messages)
            kills = (chosen.messages // 3, 2 * chosen.messages // 3)
            runs = bring(postal, folder, kills)
            runs.append(bring(postal, folder, ())[0])
        for number, one in enumerate(runs, start=1):
            how = "ended" if one.ended else "killed"
            print(
                f"run {number} {how}: {one.seconds:.0f} s, CPU {one.cpu:.0f} s, {one.mebibytes:.0f} MiB"
            )
        found = messages(folder / "state")
        print(f"{found} of {chosen.messages} messages")
        most = max(one.mebibytes for one in runs)
        return int(found != chosen.messages or most > MOST_MEBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
