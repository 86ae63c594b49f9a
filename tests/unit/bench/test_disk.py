"""What durable rows are read with: the file system, how long it takes to keep something, and what was flushed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.disk import durable_disk, file_system_of, percentile
from bench.durable import Done, parse_metrics
from bench.flushes import count_flushes
from bench.smtp_peers import Absent

MOUNTS = """/dev/vda / ext4 rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/vdb /dev/shm/disk\\040one xfs rw 0 0
"""


@pytest.mark.parametrize(
    "folder, kind",
    [("/home/x", "ext4"), ("/dev/shm/a", "tmpfs"), ("/dev/shm/disk one/b", "xfs")],
)
def test_the_innermost_mount_tells_the_file_system(folder: str, kind: str) -> None:
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_a_disk_is_measured(tmp_path: Path) -> None:
    disk = durable_disk(tmp_path, probes=5)
    assert 0 < disk.median <= disk.p99
    assert [row.unit for row in disk.rows()] == ["ms", "ms"]
    assert list(tmp_path.iterdir()) == []


def test_memory_is_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.disk.file_system_of", lambda _: "tmpfs")
    with pytest.raises(Absent, match="where nothing is durable"):
        durable_disk(tmp_path)


def test_a_percentile_is_one_of_the_values() -> None:
    ordered = [float(number) for number in range(100)]
    assert (percentile(ordered, 0.5), percentile(ordered, 0.99)) == (50.0, 99.0)
    assert percentile([7.0], 0.99) == 7.0


def test_metrics_of_all_stores_are_summed() -> None:
    text = (
        "# TYPE posthorn_store_fsyncs_total counter\n"
        'posthorn_store_operations_total{database="mail"} 7\n'
        'posthorn_store_transactions_total{database="mail"} 3\n'
        'posthorn_store_transactions_total{database="control"} 1\n'
        'posthorn_store_fsyncs_total{database="mail"} 3\n'
        'posthorn_store_fsyncs_total{database="bodies"} 2\n'
        'posthorn_store_waiting{database="mail"} 9\n'
    )
    assert parse_metrics(text) == Done(7, 4, 5)
    assert parse_metrics(text) - Done(1, 1, 1) == Done(6, 3, 4)


def test_each_flush_that_strace_saw_counts_once() -> None:
    text = (
        "12 fsync(4)                 = 0\n"
        "12 fdatasync(9 <unfinished ...>\n"
        "13 fsync(5)                 = -1 EINVAL (Invalid argument)\n"
        "12 <... fdatasync resumed>)  = 0\n"
        "12 +++ exited with 0 +++\n"
    )
    assert count_flushes(text) == 2
