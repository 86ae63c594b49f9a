"""Output that cannot be written is lost and told of, and fails nobody."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import TYPE_CHECKING

from onehost.output import MOST_WAITING, Unfailing, unfailing_output

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Disk:
    """Stands in for a file's disk, with `room` for so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.content = b""
        monkeypatch.setattr(os, "write", self.write)

    def write(self, _descriptor: int, content: bytes) -> int:
        taken = content[: self.room]
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(taken)
        self.content += taken
        return len(taken)


def test_lines_are_lost_while_the_disk_is_full_and_counted_when_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk, out = Disk(monkeypatch, room=10), Unfailing(1)
    for line in ("first\n", "second\n", "third\nfourth\n"):
        out.write(line)
        out.flush()
    assert disk.content == b"first\nseco"
    disk.room = 10_000
    out.write("fifth\n")
    out.flush()
    out.write("sixth\n")
    out.flush()
    _, cut, told, *rest = disk.content.decode().splitlines()
    assert (cut, rest) == ("seco", ["fifth", "sixth"])
    assert json.loads(told).items() >= {"level": "error", "lost": 3}.items()


def test_what_is_not_flushed_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    disk, out = Disk(monkeypatch, room=10 * MOST_WAITING), Unfailing(1)
    for _ in range(100):
        out.write("x" * 1023 + "\n")
    assert len(disk.content) > MOST_WAITING


def test_what_nobody_can_encode_is_written_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    disk, out = Disk(monkeypatch, room=100), Unfailing(1, at_once=True)
    assert out.write("\ud800\n") == 2
    assert disk.content == b"\\ud800\n"


def test_streams_that_go_elsewhere_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w") as elsewhere:
        monkeypatch.setattr(sys, "stdout", elsewhere)
        monkeypatch.setattr(sys, "stderr", sys.__stderr__)
        with unfailing_output():
            assert sys.stdout is elsewhere
            assert isinstance(sys.stderr, Unfailing)
        assert sys.stderr is sys.__stderr__
