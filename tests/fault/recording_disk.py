"""A disk that writes down what is done to it, and what a power cut at any moment could have left of that.

Under SQLite it is a VFS over the system's own, under segments it is their `os`. What a file's last flush covered is on
the disk; of each later write all, nothing, a part or rubbish may be.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512
WRITE, TRUNCATE, SYNC, CREATE, NAMES, TOLD = "write", "truncate", "sync", "create", "names", "told"
FATES = ("whole", "gone", "torn", "zeroed", "garbled")

Event = tuple[str, str, int, bytes]
"""What was done, to which file of the folder, where or how far, and the bytes."""


class RecordingDisk:
    """The events of one state folder, from `record` on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self._vfs = _Vfs(self)
        self.system = System(self)

    def note(self, what: str, path: str, place: int = 0, data: bytes = b"") -> None:
        """Write an event down."""
        self.events.append((what, os.path.relpath(path, self.folder), place, data))

    def tell(self, count: int) -> None:
        """Note that somebody was told that so many commits are durable."""
        self.note(TOLD, str(self.folder), count)

    def record(self) -> dict[str, bytes]:
        """Begin anew with what is there; the databases and their logs by name."""
        self.events.clear()
        return {one.name: one.read_bytes() for one in self.folder.glob("mail.db*")}

    def stop(self) -> None:
        """Stand under no more databases."""
        self._vfs.unregister()


@dataclass
class Remains:
    """What is on the disk at a moment for certain, and what else was done since."""

    files: dict[str, bytearray]
    pending: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    unnamed: set[str] = field(default_factory=set)
    told: int = 0

    def happen(self, event: Event) -> None:
        """Go one event on."""
        what, name, place, _ = event
        if what == TOLD:
            self.told = place
        elif what == CREATE:
            self.files[name] = bytearray()
            self.unnamed.add(name)
        elif what == NAMES:
            self.unnamed -= {one for one in self.unnamed if str(Path(one).parent) == name}
        elif what == SYNC:
            for one in self.pending.pop(name, ()):
                apply(self.files[name], one)
        else:
            self.pending[name].append(event)

    def after_power_cut(self, rand: random.Random) -> dict[str, bytes]:
        """The files that may be found afterwards. The index of the log is not among them: it is memory."""
        fates = [rand.choice(FATES)] if rand.random() < 0.5 else FATES
        found = {}
        for name, content in self.files.items():
            if name.endswith("-shm") or (name in self.unnamed and rand.random() < 0.5):
                continue
            image = bytearray(content)
            for event in self.pending.get(name, ()):
                apply(image, event, rand.choice(fates), rand)
            found[name] = bytes(image)
        return found


def moments(before: dict[str, bytes], events: list[Event]) -> Iterator[Remains]:
    """What there was before each event, and at the end. It is the same object each time."""
    remains = Remains({name: bytearray(content) for name, content in before.items()})
    for event in events:
        yield remains
        remains.happen(event)
    yield remains


def apply(
    image: bytearray, event: Event, fate: str = "whole", rand: random.Random | None = None
) -> None:
    """Do to a file what an event says, as well as its fate lets it be done."""
    what, _, place, data = event
    if fate == "gone":
        return
    if what == TRUNCATE:
        del image[place:]
        return
    if rand is not None and fate == "torn":
        data = data[: rand.randrange(len(data))]
    if rand is not None and fate in ("zeroed", "garbled"):
        spoiled = bytearray(data)
        for start in range(0, len(data), SECTOR):
            if rand.random() < 0.5:
                length = len(data[start : start + SECTOR])
                spoiled[start : start + length] = (
                    bytes(length) if fate == "zeroed" else rand.randbytes(length)
                )
        data = bytes(spoiled)
    image.extend(bytes(max(0, place - len(image))))
    image[place : place + len(data)] = data


class _Vfs(apsw.VFS):
    def __init__(self, disk: RecordingDisk) -> None:
        self._disk = disk
        super().__init__(f"recording-{id(disk)}", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802  # SQLite's name
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: RecordingDisk, name: Any, flags: Any) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  # SQLite's name
        self._disk.note(WRITE, self._name, offset, data)
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802  # SQLite's name
        self._disk.note(TRUNCATE, self._name, size)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name
        self._disk.note(SYNC, self._name)


class System:
    """The module `os` as segments use it."""

    def __init__(self, disk: RecordingDisk) -> None:
        self._disk = disk
        self._paths: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, *mode: int) -> int:
        """A file or a folder."""
        descriptor = os.open(path, flags, *mode)
        self._paths[descriptor] = str(path)
        if flags & os.O_CREAT:
            self._disk.note(CREATE, str(path))
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        """At the end of a segment."""
        end = os.fstat(descriptor).st_size
        written = os.write(descriptor, data)
        self._disk.note(WRITE, self._paths[descriptor], end, bytes(data[:written]))
        return written

    def fdatasync(self, descriptor: int) -> None:
        """Of a segment."""
        self._disk.note(SYNC, self._paths[descriptor])

    def fsync(self, descriptor: int) -> None:
        """Of a folder."""
        self._disk.note(NAMES, self._paths[descriptor])
