"""A process of one host that fails while it stops is named, and the whole ends with 1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.patience import PATIENCE

SUPERVISED = """
    import os, sys
    from onehost.child import Child
    from onehost.supervisor import Supervisor
    children = [Child(number, "stopping", dict(os.environ), {}) for number in range(2)]
    sys.exit(Supervisor(children, 30, lambda: print("ready", flush=True)).run())
"""
STOPPING = """
    import os, signal, sys
    number = int(os.environ["POSTHORN_PROCESS"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ["CODE"]) * number))
    os.write(int(os.environ["POSTHORN_PIPE"]), b"ready\\n")
    while True:
        signal.pause()
"""


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 1)])
def test_a_stop_says_what_failed(tmp_path: Path, code: int, expected: int) -> None:
    (tmp_path / "stopping.py").write_text(textwrap.dedent(STOPPING))
    environment = {
        **os.environ,
        "CODE": str(code),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISED)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "ready\n"
        supervisor.send_signal(signal.SIGTERM)
        _, said = supervisor.communicate(timeout=PATIENCE)
    assert supervisor.returncode == expected
    assert ("failed while it stopped: exit code 3" in said) is (code != 0), said
    assert said.count("failed while it stopped") == (code != 0)
