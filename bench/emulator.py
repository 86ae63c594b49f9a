"""The AWS emulator for benchmarks: a fresh one on a free port, with the standard AWS variables pointing at it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.smtp_peers import Absent
from chalicelib.config import Settings
from tests.aws_backend import MINISTACK, start_backend, stop_backend


@contextmanager
def emulator() -> Iterator[Settings]:
    """The names of a fresh data plane; Absent when the emulator's environment was never made."""
    if not MINISTACK.exists():
        raise Absent("The AWS emulator is not installed (python3 infra/environment.py ministack)")
    with tempfile.TemporaryDirectory(prefix="posthorn-path-") as folder:
        process, backend = start_backend(Path(folder))
        before = dict(os.environ)
        os.environ.update(backend.variables)
        try:
            yield backend.settings()
        finally:
            os.environ.clear()
            os.environ.update(before)
            stop_backend(process, backend)
