"""The AWS emulator with the clock of the year: `python -m tests.year.emulator` with the emulator's own interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.local.aws_main import date_objects, follow_clock


def main() -> int:
    follow_clock(Path(os.environ["POSTHORN_CLOCK_FILE"]))
    from ministack.app import main as emulate

    date_objects()  # else files that are kept for days are over at once
    sys.argv = ["ministack"]
    return int(emulate() or 0)


if __name__ == "__main__":
    sys.exit(main())
