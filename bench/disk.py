"""The disk that the durable rows stand on: what file system it has, and how long it takes to keep something.

A file system in memory keeps nothing and answers at once, so nothing durable is measured there.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from bench.smtp_peers import Absent
from bench.table import Row

IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
PROBES = 150
BLOCK = b"\0" * 4_096


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system by its name in /proc/mounts, and seconds of one fdatasync of a page."""

    kind: str
    median: float
    p99: float

    def rows(self) -> list[Row]:
        """What every durable figure has to be read with."""
        return [
            Row(f"disk, {self.kind}, fdatasync, median", self.median * 1_000, "ms"),
            Row(f"disk, {self.kind}, fdatasync, p99", self.p99 * 1_000, "ms"),
        ]


def durable_disk(folder: Path, probes: int = PROBES) -> Disk:
    """The disk of a folder, measured now; Absent when it is none."""
    kind = file_system_of(folder)
    if kind in IN_MEMORY:
        raise Absent(
            f"{folder} lies in memory ({kind}), where nothing is durable: set TMPDIR to a folder on a disk"
        )
    times = sorted(_flushes(folder / "probe", probes))
    return Disk(kind, statistics.median(times), percentile(times, 0.99))


def file_system_of(folder: Path, mounts: str = "") -> str:
    """The kind of the file system that a folder lies on; `mounts` is the text of /proc/self/mounts."""
    path, found, longest = folder.resolve(), "unknown", -1
    for line in (mounts or Path("/proc/self/mounts").read_text()).splitlines():
        _, place, kind = line.split()[:3]
        # A later mount on the same place covers an earlier one.
        if path.is_relative_to(place.replace("\\040", " ")) and len(place) >= longest:
            found, longest = kind, len(place)
    return found


def percentile(ordered: list[float], share: float) -> float:
    """The value that this share of an ordered list does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _flushes(path: Path, count: int) -> list[float]:
    """Seconds of each of some flushes of a growing file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        times = []
        for number in range(count):
            os.pwrite(descriptor, BLOCK, number * len(BLOCK))
            begin = time.perf_counter()
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - begin)
        return times
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)
