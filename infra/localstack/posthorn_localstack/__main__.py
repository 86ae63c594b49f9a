"""`python -m posthorn_localstack`: LocalStack on loopback, behind a guard, with the clock of its queues under control.

LocalStack 4 listens on every interface whatever `GATEWAY_LISTEN` says; this entry point listens on 127.0.0.1 only, and
takes calls under the keys of the state folder that `POSTHORN_STATE` names and no others.
With `POSTHORN_CLOCK_FILE`, an offset in seconds, delays, visibility time-outs and retention of queues and the dates of
objects follow that file; schedules and everything else keep the machine's time. LocalStack's environment variables
configure the rest.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from posthorn_localstack.guarded import guard_gateway, mark_own_calls, stack_keys

HOST = "127.0.0.1"


def follow_clock(path: Path) -> None:
    """Make queues and objects tell the controlled time. Elsewhere it would hurt: log lines of tomorrow are refused."""
    from localstack.services.s3 import models as objects
    from localstack.services.sqs import models, provider, queue

    from infra.local.clock import LocalClock

    now = LocalClock(path).now

    class ControlledDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> ControlledDatetime:
            return cls.fromtimestamp(now(), tz)

    for module in (models, provider, queue):
        module.time = SimpleNamespace(**{**vars(time), "time": now})
    objects.datetime = ControlledDatetime


def stay_on_loopback() -> None:
    """Make LocalStack's server, which never names an interface, listen on loopback."""
    from twisted.internet import endpoints

    class Loopback(endpoints.TCP4ServerEndpoint):
        def __init__(self, reactor: Any, port: int) -> None:
            super().__init__(reactor, port, interface=HOST)

    endpoints.TCP4ServerEndpoint = Loopback


def main() -> None:
    stack_keys()
    stay_on_loopback()
    guard_gateway()
    mark_own_calls()
    if path := os.environ.get("POSTHORN_CLOCK_FILE"):
        follow_clock(Path(path))
    from localstack.runtime.main import main as run

    run()


if __name__ == "__main__":
    main()
