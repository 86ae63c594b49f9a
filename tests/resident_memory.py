"""The most memory that a program has had resident; `ru_maxrss` would count that of the program which started it."""

from __future__ import annotations

from pathlib import Path


def peak_mib(process: int | str = "self") -> float:
    """MiB at its most so far; 0 when the process has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return max(
        (int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), default=0.0
    )
