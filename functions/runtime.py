"""What every handler is wrapped in: one unit of work, one structured log line, one place where errors end.

A handler is a coroutine function; the wrapper runs it on the process's background loop with the assembled program and
writes exactly one line: time, level, unit, outcome, milliseconds, request id, the notes that the handler left and, when
AWS was called, the calls, request units and bytes used meanwhile. Lines hold no addresses, content or keys.
Chalice's middleware cannot do this: it does not run for event functions, which load their own module only.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from chalicelib import bootstrap
from chalicelib.domain.errors import MailError
from chalicelib.ports.clock import Clock
from functions.log_lines import log_as_json, write_line

Notes = dict[str, Any]
Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
NOBODY_COUNTS = 900.0
DEEPEST_STACK = 8

log_as_json()


def named(handle: Wrapped, unit: str, handler: Callable[..., Any]) -> Wrapped:
    """The wrapper under its public name and in the module of its handler."""
    handle.__name__ = handle.__qualname__ = unit
    handle.__module__ = handler.__module__
    handle.__doc__ = handler.__doc__
    return handle


class UnitOfWork:
    """Times a block and writes its one log line. `notes` may grow until the end; `swallow` ends errors here.

    `program` is the one that works, the process's own unless it is given.
    """

    def __init__(
        self,
        unit: str,
        request_id: str,
        notes: Notes,
        swallow: bool = False,
        program: bootstrap.Posthorn | None = None,
    ) -> None:
        self._line: Notes = {"unit": unit, "outcome": "ok", "request_id": request_id}
        self._notes = notes
        self._swallow = swallow
        self._posthorn = program or bootstrap.posthorn()
        self._started = self._posthorn[Clock].monotonic()
        self._used = self._posthorn.meter.snapshot()

    def __enter__(self) -> UnitOfWork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is not None:
            self._line |= _account_of(error)
        clock = self._posthorn[Clock]
        elapsed = clock.monotonic() - self._started
        line = self._line | {"ms": round(elapsed * 1000, 1)} | self._notes
        level = "error" if line["outcome"] == "error" else "info"
        used = self._posthorn.meter.snapshot().since(self._used)
        first = {"time": round(clock.now(), 3), "unit": line["unit"], "level": level}
        write_line(first | line | used.fields())
        return self._swallow and isinstance(error, Exception)


def _account_of(error: BaseException) -> Notes:
    """What the log says of an error: code and fields of ours, class and place of anything unexpected."""
    if isinstance(error, MailError):
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        return {**error.fields, "outcome": error.code, "cause": cause}
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_STACK:]
    stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"outcome": "error", "error": type(error).__name__, "stack": stack}


def seconds_left(context: Any) -> Callable[[], float]:
    """Lambda's own countdown, where there is one."""
    countdown = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: countdown() / 1000) if countdown else (lambda: NOBODY_COUNTS)


def request_id_of(context: Any) -> str:
    return str(getattr(context, "aws_request_id", "") or "")
