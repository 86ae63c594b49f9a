"""`python -m posthorn_localstack`: LocalStack with its clock under control.

With `POSTHORN_CLOCK_FILE`, queue delays, visibility time-outs and everything else that LocalStack reads off the clock
follow that file, an offset in seconds; timers do not, because they are monotonic. Without it, this is LocalStack's own
entry point. LocalStack's environment variables configure the rest.
"""

from __future__ import annotations

import os
import time
from pathlib import Path


def follow_clock(path: Path) -> None:
    """Make `time.time` of this process tell the controlled time."""
    from infra.local.clock import LocalClock

    clock = LocalClock(path)
    time.time = clock.now
    time.time_ns = lambda: int(clock.now() * 1_000_000_000)


def main() -> None:
    if path := os.environ.get("POSTHORN_CLOCK_FILE"):
        follow_clock(Path(path))
    from localstack.runtime.main import main as run

    run()


if __name__ == "__main__":
    main()
