"""The limits that follow from memory, and where that number is found."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Configuration
from gateway.memory import (
    CONNECTION_BYTES,
    MACHINE_SHARE,
    MEBIBYTE,
    PROGRAM_BYTES,
    fitted,
    memory_of_process,
)

LARGEST = 35 * MEBIBYTE


@pytest.mark.parametrize(
    ("mebibytes", "content", "connections", "of_client", "commits"),
    [
        (512, 102, 275, 55, 6),
        (1_024, 204, 842, 100, 12),
        (2_048, 409, 1_000, 100, 16),
        (65_536, 512, 1_000, 100, 16),
    ],
)
def test_limits_follow_from_the_memory(
    mebibytes: int, content: int, connections: int, of_client: int, commits: int
) -> None:
    found = fitted(Configuration(), mebibytes * MEBIBYTE, LARGEST)
    assert found.max_buffered // MEBIBYTE == content
    assert found.max_connections == connections
    assert found.max_connections_per_client == of_client
    assert found.commits_in_flight == commits


@pytest.mark.parametrize("mebibytes", [300, 512, 777, 1_024, 1_500, 4_096])
def test_all_of_it_at_its_worst_is_less_than_the_memory(mebibytes: int) -> None:
    memory, largest = mebibytes * MEBIBYTE, 8 * MEBIBYTE
    found = fitted(Configuration(), memory, largest)
    content = found.max_buffered * 5 // 4
    packs = found.commits_in_flight * (found.commit_bytes + 1_000_000)
    connections = found.max_connections * CONNECTION_BYTES
    assert PROGRAM_BYTES + content + packs + connections + 2 * largest <= memory


def test_what_is_configured_stays() -> None:
    given = Configuration(
        max_buffered=50 * MEBIBYTE,
        max_connections=20,
        max_connections_per_client=7,
        commits_in_flight=3,
    )
    assert fitted(given, 512 * MEBIBYTE, LARGEST) == given
    content = fitted(replace(given, max_connections=0), 512 * MEBIBYTE, LARGEST)
    assert (
        content.max_connections > fitted(Configuration(), 512 * MEBIBYTE, LARGEST).max_connections
    )


@pytest.mark.parametrize("mebibytes", [1, 64, 128, 256])
def test_too_little_memory_is_said(mebibytes: int) -> None:
    with pytest.raises(ValueError, match=f"{mebibytes} MiB of memory are too few"):
        fitted(Configuration(), mebibytes * MEBIBYTE, LARGEST)


def machine(tmp_path: Path, cgroup: str, limits: dict[str, str]) -> int:
    """What is found where /proc/self/cgroup and the files of control groups are these."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for name, text in limits.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return memory_of_process(tmp_path / "groups", tmp_path / "proc")


ALL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
NESTED = {
    "memory.max": "max",
    "ecs/memory.max": "40000000",
    "ecs/task/memory.max": "30000000",
    "other/memory.max": "10000000",
}
FIRST = {
    "memory/memory.limit_in_bytes": "9223372036854771712",
    "memory/task/memory.limit_in_bytes": "20000000",
}


@pytest.mark.parametrize(
    ("cgroup", "limits", "found"),
    [
        ("0::/ecs/task\n", NESTED, 30_000_000),
        ("0::/ecs\n", NESTED, 40_000_000),
        ("0::/\n", {"memory.max": "50000000"}, 50_000_000),
        ("0::/docker/elsewhere\n", {"memory.max": "50000000"}, 50_000_000),
        ("5:cpu:/\n4:memory:/task\n0::/\n", FIRST, 20_000_000),
        ("4:cpu,memory:/docker/elsewhere\n", FIRST, ALL // MACHINE_SHARE),
        ("0::/\n", {"memory.max": "max"}, ALL // MACHINE_SHARE),
        ("", {}, ALL // MACHINE_SHARE),
    ],
)
def test_the_control_groups_of_the_process_limit_it(
    tmp_path: Path, cgroup: str, limits: dict[str, str], found: int
) -> None:
    assert machine(tmp_path, cgroup, limits) == found


def test_without_control_groups_it_is_a_share_of_the_machine(tmp_path: Path) -> None:
    assert memory_of_process(tmp_path, tmp_path) == ALL // MACHINE_SHARE
