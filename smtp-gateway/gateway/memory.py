"""How much memory the gateway may use, and the limits that follow from it.

Promises that content, recipients, connections and commits in the numbers of `fitted` fit into the memory they were made
for, all at their worst at once; docs/operations.md has the sum in words, and tests hold processes to it. A limit that
the configuration names is left as it is. Memory is the least of what the control groups of the process allow (version 2
or 1), or a share of the machine's where none has a limit; it is read once, at the start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chalicelib.ports.intake import LARGEST_PACKED
from gateway.configuration import Configuration

MEBIBYTE = 1_048_576
PROGRAM_BYTES = 112 * MEBIBYTE
"""The interpreter, its libraries, the clients of AWS and their threads, and the process that asks for its health."""
CONNECTION_BYTES = 640 * 1024
"""What one connection may hold besides content: with TLS, and as much in both directions as it can be made to."""
CONTENT_SHARE, COMMIT_SHARE = 5, 16
"""One part in so many of the memory is for content and recipients, and for content that is stored packed. Large
messages that all wait to be stored take three times their size: a quarter came to the edge of 256 MiB."""
MOST_BUFFERED = 512 * MEBIBYTE
MOST_CONNECTIONS, LEAST_CONNECTIONS = 1_000, 10
CLIENT_SHARE, MOST_OF_CLIENT = 5, 100
MOST_COMMITS = 16
LARGE_BLOCK = 256 * 1024
M_MMAP_THRESHOLD = -3  # malloc.h of glibc
MACHINE_SHARE = 4
"""Where nothing limits the process, it takes one part in so many of the machine."""


def fitted(configuration: Configuration, memory: int, largest: int) -> Configuration:
    """The configuration with a number in place of each limit that is 0, for `memory` bytes and messages of `largest`.

    ValueError when the memory is too small for any number.
    """
    content = configuration.max_buffered or min(memory // CONTENT_SHARE, MOST_BUFFERED)
    pack = configuration.commit_bytes + LARGEST_PACKED
    commits = configuration.commits_in_flight or min(memory // COMMIT_SHARE // pack, MOST_COMMITS)
    # Buffers grow in steps and leave gaps, a quarter of them; one message at a time is copied, twice at most.
    left = memory - PROGRAM_BYTES - content * 5 // 4 - commits * pack - 2 * largest
    connections = configuration.max_connections or min(left // CONNECTION_BYTES, MOST_CONNECTIONS)
    if content < largest or commits < 1 or connections < LEAST_CONNECTIONS:
        raise ValueError(
            f"{memory // MEBIBYTE} MiB of memory are too few for messages of {largest // MEBIBYTE} MiB"
        )
    of_client = min(connections // CLIENT_SHARE, MOST_OF_CLIENT)
    return replace(
        configuration,
        max_buffered=content,
        max_connections=connections,
        max_connections_per_client=configuration.max_connections_per_client or of_client,
        commits_in_flight=commits,
    )


def give_back_large_blocks() -> None:
    """Have the C library return blocks of LARGE_BLOCK bytes or more to the system when they are freed, where it can.

    By itself it takes to keeping blocks of the size that it has seen, and buffers that grow side by side leave holes
    among those that take half as much memory again as is in use.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


def memory_of_process(groups: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc")) -> int:
    """Bytes that this process may use."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [limit for limit in _limits(groups, proc) if limit < machine]
    return min(limits, default=machine // MACHINE_SHARE)


def _limits(groups: Path, proc: Path) -> Iterator[int]:
    """What each control group of the process, and each around it, allows."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        # Inside a container the path may be that of the machine, and what lies at the root is ours.
        place = root / path.strip("/")
        for folder in (place, *place.parents):
            with contextlib.suppress(OSError, ValueError):  # no such file here, or the word "max"
                yield int((folder / name).read_text())
            if folder == root:
                break
