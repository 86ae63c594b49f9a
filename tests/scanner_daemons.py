"""Scanners that are not ours, each a process at a free port of 127.0.0.1: Debian's spamd, rspamd and clamd.

    with running_spamd(folder) as place: ...

None of them asks the network. clamd has one signature, that of the EICAR test file. Without the program, what needs it
is skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.loopback import free_port
from tests.patience import PATIENCE

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# In two halves, so that no scanner takes this file for an infected one.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PROGRAMS = ("spamd", "rspamd", "clamd")


def program(name: str) -> str | None:
    """Where a scanner is installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def needs(name: str) -> pytest.MarkDecorator:
    """Skips where it is not installed."""
    package = "clamav-daemon" if name == "clamd" else name
    return pytest.mark.skipif(program(name) is None, reason=f"{name} is absent (Debian: {package})")


@contextlib.contextmanager
def running_spamd(folder: Path) -> Iterator[str]:
    """SpamAssassin's rules without those of the network; yields `host:port`."""
    port = free_port()
    options = ["--max-children=1", "--min-children=1", "--max-spare=1", "--syslog=stderr"]
    options += ["--local", "--nouser-config", f"--listen=127.0.0.1:{port}"]
    with _running("spamd", options, port, folder):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def running_rspamd(folder: Path) -> Iterator[str]:
    """rspamd without modules, which knows GTUBE; yields its URL."""
    port = free_port()
    work = folder / "rspamd"
    work.mkdir()
    (work / "tld").write_text("com\nexample\n")  # the whole list takes 20 s to compile
    (work / "conf").write_text(f"""
options {{ filters = "chartable"; url_tld = "{work}/tld"; tempdir = "{work}"; dbdir = "{work}"; hs_cache_dir = "{work}";
  pidfile = "{work}/pid"; control_socket = "{work}/control mode=0600";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; }} }}
logging {{ type = "console"; level = "warning"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
metric {{ name = default; actions {{ reject = 15; }} }}
""")
    with _running("rspamd", ["-f", "-i", "-c", f"{work}/conf"], port, folder):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running_clamd(folder: Path) -> Iterator[str]:
    """clamd with one signature; yields `host:port`."""
    port = free_port()
    work = folder / "clamd"
    work.mkdir()
    (work / "own.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
    (work / "conf").write_text(
        f"Foreground yes\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {work}\n"
        f"TemporaryDirectory {work}\nPidFile {work}/pid\nMaxThreads 2\n"
    )
    with _running("clamd", ["-c", f"{work}/conf"], port, folder):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def _running(name: str, options: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    found = program(name)
    assert found is not None
    with (folder / f"{name}.output").open("wb") as output:
        process = subprocess.Popen(
            [found, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(process, port, folder / f"{name}.output")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def _wait_for(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, output.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError(output.read_text())
