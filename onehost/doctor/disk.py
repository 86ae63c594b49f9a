"""How long the disk of the state folder takes to keep something: each accepted message waits for it."""

from __future__ import annotations

import os
import time
from statistics import median

from onehost.doctor.finding import Findings, failed, not_checked, ok, warning
from onehost.doctor.host import Host

ROUNDS = 20
BLOCK = b"\0" * 4_096
HONEST_SECONDS = 50e-6
SLOW_SECONDS = 50e-3
PROBE = ".doctor"


async def flushes(host: Host) -> Findings:
    """The time of fdatasync, which no disk does in no time."""
    if not host.state.is_dir():
        return [not_checked(f"there is no state folder {host.state}")]
    try:
        seconds = _measured(host)
    except OSError as error:
        return [
            failed(
                f"Nothing can be written durably in {host.state}: {error.strerror}",
                "Look at the disk (`dmesg`, `df`) before mail is taken",
            )
        ]
    text = f"fdatasync takes {seconds * 1000:.2f} ms"
    if seconds > SLOW_SECONDS:
        return [
            failed(
                f"{text}: the disk is too slow",
                "Put the state folder on another disk, or find out what keeps it busy",
            )
        ]
    if seconds < HONEST_SECONDS:
        return [
            warning(
                f"{text}: a disk that is not of the fastest may say so without having written",
                "Look whether its write cache survives a power cut; if not, switch it off (`hdparm -W0`)",
            )
        ]
    return [ok(text)]


def _measured(host: Host) -> float:
    """The median of some flushes of one page, in seconds; OSError."""
    path = host.state / PROBE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        times = []
        for number in range(ROUNDS):
            os.pwrite(descriptor, BLOCK, number * len(BLOCK))
            start = time.perf_counter()
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - start)
        return median(times)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)
