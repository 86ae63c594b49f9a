"""Plays a year and prints what came of it as JSON: `make soak`.

Progress goes to standard error. The exit code is 0 if nothing is wrong, else 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

from chalicelib import bootstrap
from tests.year.dates import DAYS, short_year, whole_year
from tests.year.flat import what_grows
from tests.year.stage import ENGINES, played


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("make soak", description="Play a year of running Posthorn.")
    parser.add_argument("--engine", choices=ENGINES, default="files", help="whose stores")
    parser.add_argument("--days", type=int, default=DAYS, help="of the year, %(default)s at most")
    parser.add_argument("--short", action="store_true", help="only the days that matter")
    parser.add_argument("--folder", type=Path, help="for what is stored; usually one that goes")
    asked = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        dates = short_year() if asked.short else whole_year(min(asked.days, DAYS))
        with contextlib.redirect_stdout(_Nowhere()):
            result = bootstrap.run(played(asked.engine, Path(folder), dates, say))
    result.faults += what_grows(result.sizes)
    print(json.dumps(result.report, indent=1))
    return 1 if result.faults else 0


class _Nowhere(io.TextIOBase):
    """Where the log of a year goes."""

    def write(self, text: str) -> int:
        return len(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
