"""Crash points: parsed from text, striking at the named call, and only there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.adapters.system.faults import (
    CrashPoint,
    parse_crash_point,
    raising,
    with_crash_points,
)
from chalicelib.domain.errors import TemporaryFailure


class Port:
    """Counts what reached it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.name = "port"

    async def claim(self, what: str, *, how: str = "") -> str:
        self.calls.append(what + how)
        return what

    async def get(self, what: str) -> str:
        return what


def test_crash_points_are_read_from_text() -> None:
    assert parse_crash_point("") is None
    assert parse_crash_point("queue.send:before") == CrashPoint("queue", "send", "before", 1)
    assert parse_crash_point("a.b:after#12") == CrashPoint("a", "b", "after", 12)


@pytest.mark.parametrize(
    "text", ["queue", "queue.send", "queue.send:during", "a.b:after#0", "a.b:after#x"]
)
def test_other_texts_are_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="crash point"):
        parse_crash_point(text)


def test_a_port_without_a_crash_point_is_returned_as_it_is() -> None:
    port = Port()
    assert with_crash_points(port, "messages", "") is port
    assert with_crash_points(port, "messages", "queue.send:after") is port
    with pytest.raises(ValueError, match="no verb"):
        with_crash_points(port, "messages", "messages.explode:after")


@pytest.mark.parametrize(("when", "reached"), [("before", ["one"]), ("after", ["one", "two"])])
async def test_an_error_strikes_at_the_named_call(when: str, reached: list[str]) -> None:
    port = Port()
    faulty = raising(port, "claim", TemporaryFailure("away"), when, 2)
    assert await faulty.claim("one") == "one"
    with pytest.raises(TemporaryFailure):
        await faulty.claim("two")
    assert port.calls == reached
    assert await faulty.claim("three", how="!") == "three"
    assert await faulty.get("x") == "x"
    assert faulty.name == "port"


def test_dying_leaves_no_time_to_clean_up() -> None:
    program = """
import asyncio, atexit
from chalicelib.adapters.system.faults import with_crash_points
atexit.register(print, "cleaned up")
class Port:
    async def send(self):
        print("sent", flush=True)
async def main():
    port = with_crash_points(Port(), "queue", "queue.send:after#2")
    for _ in range(3):
        await port.send()
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (137, "sent\nsent\n", "")
