"""The benchmark of checked mail: a short round of ours against a real name server, and what a missing peer does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import verify
from bench.relay_peers import Relay
from bench.smtp_peers import Absent
from tests.nsd import needs_nsd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

OURS = {name: verify.STARTERS[name] for name in (verify.MEMORY, verify.DURABLE)}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="port 53 is root's")


@needs_nsd
@needs_root
def test_everything_passes_in_memory_and_durable(capsys: pytest.CaptureFixture[str]) -> None:
    def absent(folder: Path, name_server: str) -> Relay:
        raise Absent("Postfix is not installed")

    works = (verify.Work("known", 4_096), verify.Work("new", 4_096, strangers=True))
    rows = verify.measure(1, 0.05, {**OURS, verify.POSTFIX: absent}, works)
    assert [row.name for row in rows] == [
        f"{work.label}, {name}" for work in works for name in OURS
    ]
    assert all(row.value > 0 and row.ratio is None and row.ok is None for row in rows)
    said = capsys.readouterr().err
    assert f"{verify.POSTFIX}: not compared: Postfix is not installed" in said


@needs_nsd
@needs_root
def test_a_message_that_does_not_pass_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.verify.CLIENT", "192.0.2.77")  # whom SPF knows, and who never calls
    starters = {verify.DURABLE: verify.STARTERS[verify.DURABLE]}
    with pytest.raises(RuntimeError, match="let 0 messages of 60 pass"):
        verify.measure(1, 0.05, starters, verify.WORKS[:1])


def test_without_a_name_server_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.verify.NSD", None)
    assert verify.run() == []
    assert "nsd), is not installed: not measured" in capsys.readouterr().err


@needs_nsd
def test_who_is_not_root_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert verify.run() == []
    assert "only root may serve DNS at port 53 of loopback: not measured" in capsys.readouterr().err
