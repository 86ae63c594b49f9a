"""The supervisor tells which of its processes are dead, not ready or silent, and when that is over."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.patience import PATIENCE

SUPERVISED = """
    import os, sys
    from onehost import supervisor
    from onehost.child import Child
    supervisor.WORRYING_SECONDS = 0.5
    children = [Child(number, "silent", dict(os.environ), {}) for number in range(2)]
    told = lambda numbers: print(*numbers, flush=True)
    sys.exit(supervisor.Supervisor(children, 30, failing=told).run())
"""
# Number 0 is alive, number 1 silent, and once dead it lives again.
SILENT = """
    import os, pathlib, sys, time
    time.sleep(1)  # the supervisor is to see that nobody serves at first
    pipe, number = int(os.environ["POSTHORN_PIPE"]), int(os.environ["POSTHORN_PROCESS"])
    os.write(pipe, b"ready\\n")
    died = pathlib.Path(os.environ["DIED"])
    begun = time.monotonic()
    while True:
        if number == 0 or died.exists():
            os.write(pipe, b"alive\\n")
        elif time.monotonic() > begun + 1.5:
            died.touch()
            os._exit(1)
        time.sleep(0.05)
"""


def test_who_is_silent_or_dead_is_told_until_it_serves_again(tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text(textwrap.dedent(SILENT))
    environment = {
        **os.environ,
        "DIED": str(tmp_path / "died"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISED)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        told = iter(supervisor.stdout.readline, "")
        try:
            for expected in ("\n", "1\n", "\n"):
                assert any(line == expected for line in told), f"{expected!r} was not told"
        finally:
            supervisor.terminate()
            supervisor.wait(PATIENCE)
