"""What the local stack says to the person at the terminal."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """One line on standard output; nobody need be there."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = sys.stderr
