"""The program that takes a backup off the host: started with the backup's folder, bounded in time and in what it says.

It gets no setting and no secret: the folder as its argument, and what `environment_of` names. Whatever it starts is
ended with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from chalicelib.cli.terminal import iso, visible
from onehost.backups.take import Taken

MOST_OUTPUT = 4_096
_PIECE = 65_536
_MOST_PIECES = 32  # a pipe holds a MiB at most
_SECONDS_TO_END = 5.0
_KEPT = ("PATH", "HOME", "LANG", "USER", "LOGNAME", "SHELL", "TMPDIR")


def environment_of(taken: Taken, outside: Mapping[str, str]) -> dict[str, str]:
    """What the hook finds in its environment."""
    return {name: outside[name] for name in _KEPT if name in outside} | {
        "POSTHORN_BACKUP": str(taken.path),
        "POSTHORN_BACKUPS": str(taken.path.parent),
        "POSTHORN_BACKUP_BEGAN_AT": iso(taken.manifest.began_at) or "",
        "POSTHORN_BACKUP_MISSING": str(len(taken.manifest.missing)),
    }


def run_hook(program: str, taken: Taken, seconds: float) -> str:
    """Run it; why it failed, as one sentence without its end, or nothing."""
    if not Path(program).is_absolute():
        return f"The hook {program} is no absolute path"
    try:
        child = subprocess.Popen(  # noqa: S603  # the program that the settings name, without a shell
            [program, str(taken.path)],
            env=environment_of(taken, os.environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as refused:
        return f"The hook {program} cannot be started: {refused.strerror}"
    with child:
        try:
            said, in_time = _followed(child, seconds)
        finally:
            _end(child)
    if not in_time:
        return f"The hook {program} was not done after {seconds:,.0f} s and was ended"
    code = child.returncode
    if code == 0:
        return ""
    how = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
    return f"The hook {program} {how}{_told(said)}"


def _followed(child: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bool]:
    """The end of what it said, and whether it ended in time. What it left running is not waited for."""
    said, until = b"", time.monotonic() + seconds
    pipe: IO[bytes] = child.stdout  # type: ignore[assignment]  # it was asked for
    os.set_blocking(pipe.fileno(), False)
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if waiting.get_map() and waiting.select(min(left, 0.2)):
                piece = os.read(pipe.fileno(), _PIECE)
                said = (said + piece)[-MOST_OUTPUT:]
                if not piece:
                    waiting.unregister(pipe)
            elif not waiting.get_map():
                with suppress(subprocess.TimeoutExpired):
                    child.wait(left)
            if child.poll() is not None:
                return (said + _rest(pipe))[-MOST_OUTPUT:], True
    return said, False


def _rest(pipe: IO[bytes]) -> bytes:
    """The end of what is in the pipe still; what it left running may go on to write."""
    rest = b""
    with suppress(BlockingIOError):
        for _ in range(_MOST_PIECES):
            piece = os.read(pipe.fileno(), _PIECE)
            if not piece:
                break
            rest = (rest + piece)[-MOST_OUTPUT:]
    return rest


def _end(child: subprocess.Popen[bytes]) -> None:
    """End it with all that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_SECONDS_TO_END)
            if sign is signal.SIGTERM:
                continue
    child.wait()


def _told(said: bytes) -> str:
    """Its last line, so that it can be shown."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f": {visible(lines[-1].strip()[:200])}" if lines else ""
