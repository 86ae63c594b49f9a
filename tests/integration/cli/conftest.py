"""The command line over an installation in memory: `posthorn("server", "list")` runs one command."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.config import Settings
from tests.queues import DeployedQueue, with_queue

SETTINGS = Settings(return_path_domain="rp.ph.example", spf_include="spf.ph.example")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def without_the_functions_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's process does not load the functions, which log to standard output; a test process may have."""
    monkeypatch.setattr(logging.getLogger("posthorn"), "handlers", [])


@pytest.fixture(autouse=True)
def without_profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the person who runs the tests has signed in to is none of theirs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("POSTHORN_API_URL", "POSTHORN_PROFILE", "POSTHORN_MANAGEMENT_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def app() -> Posthorn:
    """An installation whose pools are deployed."""
    return with_queue(in_memory(SETTINGS), DeployedQueue)


@pytest.fixture
def posthorn(
    app: Posthorn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command line against the installation in memory."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")

    def run_command(*arguments: str) -> Outcome:
        code = main(arguments, Session(open_installation=lambda: app))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def demo(posthorn: Run) -> Run:
    """The same, with an organization, a server and a trusted domain."""
    for arguments in (
        ("organization", "create", "Demo"),
        ("server", "create", "Demo"),
        ("domain", "add", "demo.example"),
        ("domain", "trust", "demo.example"),
    ):
        assert posthorn(*arguments).code == 0
    return posthorn
