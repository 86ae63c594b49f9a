"""What wakes those who wait for jobs: an event in this process, a datagram to each other process of the state folder.

A datagram may be lost; who waits looks again by itself after a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from chalicelib.adapters.sqlite.folder import StateFolder

SOCKET = ".sock"


class Bell:
    """Rung when there are jobs to take. One task of a process waits for it."""

    def __init__(self, folder: StateFolder) -> None:
        self._run = folder.run
        self._rung = asyncio.Event()
        self._name = ""

    def ring(self) -> None:
        """Wake whoever waits, in every process."""
        self._rung.set()
        if self._run is None:
            return
        with os.scandir(self._run) as entries:
            others = [one.name for one in entries if one.name.endswith(SOCKET)]
        if not others or others == [self._name]:
            return
        with _opened(self._run) as descriptor, _datagrams() as sender:
            for name in others:
                with contextlib.suppress(OSError):  # full, or its process has gone
                    sender.sendto(b"", _place(descriptor, name))

    def stir(self) -> None:
        """Wake whoever waits in this process."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it is rung, or for so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()

    @contextlib.contextmanager
    def heard(self, process: str) -> Iterator[None]:
        """Hear other processes while the block runs, on the running loop; `process` is this one's name."""
        if self._run is None:
            yield
            return
        loop, self._name = asyncio.get_running_loop(), f"{process}{SOCKET}"
        with _opened(self._run) as descriptor, _datagrams() as listener:
            listener.bind(_place(descriptor, self._name))

            def drain() -> None:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        listener.recv(1)
                        self._rung.set()

            loop.add_reader(listener.fileno(), drain)
            try:
                yield
            finally:
                loop.remove_reader(listener.fileno())
                (self._run / self._name).unlink()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


def _place(descriptor: int, name: str) -> str:
    # The path of a socket ends at 108 characters, however long the folder's is.
    return f"/proc/self/fd/{descriptor}/{name}"
