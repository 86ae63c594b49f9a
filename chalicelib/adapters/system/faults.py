"""Ports that die or fail at a named call, for fault tests.

A crash point is `port.verb:before` or `port.verb:after`, with `#n` for the n-th call of that verb in this process:
`messages.claim:after`, `queue.wake:before#2`. Dying is `os._exit(137)`: no cleanup runs, as under SIGKILL. A port
without a crash point of its own is returned as it is, so that production pays nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")
_POINT = re.compile(r"(\w+)\.(\w+):(before|after)(?:#([1-9]\d{0,8}))?")


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where to die: before or after the `call`-th call of a port's verb."""

    port: str
    verb: str
    when: str
    call: int


def parse_crash_point(text: str) -> CrashPoint | None:
    """The crash point of a setting; None for empty text, ValueError for text that is none."""
    if not text:
        return None
    match = _POINT.fullmatch(text)
    if match is None:
        raise ValueError(f"a crash point is port.verb:before|after#n, not {text!r}")
    return CrashPoint(match[1], match[2], match[3], int(match[4] or 1))


def with_crash_points(port: _T, name: str, kill_at: str) -> _T:
    """The port, dying where `kill_at` says if that names this port."""
    point = parse_crash_point(kill_at)
    if point is None or point.port != name:
        return port
    if not hasattr(port, point.verb):
        raise ValueError(f"{name} has no verb {point.verb}")
    proxy: Any = _Faulty(port, point, lambda: os._exit(137))
    return proxy  # type: ignore[no-any-return]  # it answers to every verb of the port


def raising(port: _T, verb: str, error: Exception, when: str = "before", call: int = 1) -> _T:
    """The port, raising `error` once, before or after the `call`-th call of a verb."""

    def fail() -> None:
        raise error

    proxy: Any = _Faulty(port, CrashPoint("", verb, when, call), fail)
    return proxy  # type: ignore[no-any-return]  # it answers to every verb of the port


class _Faulty:
    """A port with one verb wrapped."""

    def __init__(self, port: Any, point: CrashPoint, act: Callable[[], object]) -> None:
        self._port = port
        self._point = point
        self._act = act
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        return self._wrapped(verb) if name == self._point.verb else verb

    def _wrapped(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            self._calls += 1
            strikes = self._calls == self._point.call
            if strikes and self._point.when == "before":
                self._act()
            result = await verb(*arguments, **named)
            if strikes and self._point.when == "after":
                self._act()
            return result

        return wrapped
