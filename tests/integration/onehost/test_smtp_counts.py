"""Each process keeps what its gateway counted, and whoever is asked tells the sums."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.counts import SmtpCounts, rendered
from onehost.kept_counts import SMTP_FILES, KeptCounts, counts_of_all

OF_CONNECTIONS = 'posthorn_smtp_connections_total{tls="yes"} '


def connections(run: Path | None) -> str | None:
    lines = rendered(counts_of_all(run, SMTP_FILES)).splitlines()
    return next(
        (line.removeprefix(OF_CONNECTIONS) for line in lines if OF_CONNECTIONS in line), None
    )


def a_process(run: Path | None, number: int, ended: int) -> None:
    """One that goes on where its predecessor was."""
    counts = SmtpCounts()
    kept = KeptCounts(run, number, counts.numbers)
    for _ in range(ended):
        counts.connection(secure=True)
    kept.keep()


def test_the_sum_over_processes_and_restarts_is_told(tmp_path: Path) -> None:
    assert connections(tmp_path) is None
    a_process(tmp_path, 0, 2)
    a_process(tmp_path, 1, 3)
    assert connections(tmp_path) == "5"
    a_process(tmp_path, 1, 1)
    assert connections(tmp_path) == "6"


def test_what_cannot_be_read_or_kept_harms_nobody(tmp_path: Path) -> None:
    a_process(tmp_path, 0, 2)
    (tmp_path / "smtp-1.counts").write_text("{")
    assert connections(tmp_path) == "2"
    KeptCounts(tmp_path / "none", 0, Counter({"connections": 1})).keep()
    a_process(None, 0, 1)
    assert connections(None) is None
