"""Processes of tests that run beside each other never choose the same port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import loopback
from tests.loopback import free_port

ROOT = Path(__file__).resolve().parents[2]
ANOTHER = (
    "import sys, tests.loopback; print(tests.loopback.free_port(), flush=True); sys.stdin.read()"
)


def test_a_port_belongs_to_one_process_until_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as another:
        assert another.stdout is not None
        theirs = int(another.stdout.readline())
        monkeypatch.setattr(loopback, "NEVER_LENT_PORTS", [free_port(), theirs])
        with pytest.raises(OSError, match="no free port"):
            free_port()
    assert free_port() == theirs
