"""`python -m posthorn_localstack`: LocalStack on the loopback interface, with its clock under control.

LocalStack 4 listens on every interface whatever `GATEWAY_LISTEN` says; this entry point listens on 127.0.0.1 only.
With `POSTHORN_CLOCK_FILE`, queue delays, visibility time-outs and everything else that LocalStack reads off the
clock follow that file, an offset in seconds; timers do not, because they are monotonic. Without it, time is the
machine's. LocalStack's environment variables configure the rest.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def follow_clock(path: Path) -> None:
    """Make `time.time` of this process tell the controlled time."""
    from infra.local.clock import LocalClock

    clock = LocalClock(path)
    time.time = clock.now
    time.time_ns = lambda: int(clock.now() * 1_000_000_000)


def stay_on_loopback() -> None:
    """Make LocalStack's server, which never names an interface, listen on loopback."""
    from twisted.internet import endpoints

    class Loopback(endpoints.TCP4ServerEndpoint):
        def __init__(self, reactor: Any, port: int) -> None:
            super().__init__(reactor, port, interface=HOST)

    endpoints.TCP4ServerEndpoint = Loopback


def main() -> None:
    stay_on_loopback()
    if path := os.environ.get("POSTHORN_CLOCK_FILE"):
        follow_clock(Path(path))
    from localstack.runtime.main import main as run

    run()


if __name__ == "__main__":
    main()
