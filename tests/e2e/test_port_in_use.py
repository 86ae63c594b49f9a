"""What stands in the way of a start is said in one sentence with the right exit code."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import StartStack
from tests.e2e.stack import ROOT, stack_environment
from tests.e2e.target import chosen
from tests.patience import PATIENCE


def refused_start(state: Path, settings: Mapping[str, str]) -> tuple[int, list[str]]:
    """Exit code and what was said, of a start that must fail."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env=stack_environment(state, {**chosen().settings, **settings}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


EMULATOR = pytest.param("AWS", marks=pytest.mark.targets("runner"))  # else nobody opens that port


@pytest.mark.parametrize(
    "name", ["HTTP", "MX", "SUBMISSION", "SUBMISSIONS", "INBOX", EMULATOR, "DNS"]
)
def test_a_port_in_use_is_named_with_its_variable(tmp_path: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        variable = f"POSTHORN_{name}_PORT"
        code, said = refused_start(tmp_path / "state", {variable: str(port)})
    assert code == 1
    assert said == [
        f"posthorn: port {port} is in use by another program; stop that,"
        f" or set {variable} to another port."
    ]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("POSTHORN_MX_PORT", "smtp"),
        ("POSTHORN_HTTP_PORT", "65536"),
        ("POSTHORN_HTTP_PORT", "-1"),
        ("POSTHORN_RUNNERS", "0"),
        ("POSTHORN_INBOX_PORT", "²"),
    ],
)
def test_a_setting_without_sense_is_exit_code_2(tmp_path: Path, variable: str, text: str) -> None:
    code, said = refused_start(tmp_path / "state", {variable: text})
    assert code == 2
    assert len(said) == 1
    assert said[0].startswith(f"posthorn: {variable} must be a whole number from")
    assert not (tmp_path / "state").exists()


def test_times_that_do_not_fit_together_are_exit_code_2(tmp_path: Path) -> None:
    code, said = refused_start(tmp_path / "state", {"POSTHORN_DEADLINE_SECONDS": "400"})
    assert code == 2
    assert len(said) == 1
    assert said[0].startswith("posthorn: POSTHORN_DEADLINE_SECONDS and POSTHORN_SETTLE_SECONDS")


def test_one_port_for_two_things(tmp_path: Path) -> None:
    settings = {"POSTHORN_HTTP_PORT": "28123", "POSTHORN_MX_PORT": "28123"}
    code, said = refused_start(tmp_path / "state", settings)
    assert code == 2
    assert said == ["posthorn: port 28123 is asked for twice; give each POSTHORN_*_PORT its own."]


def test_a_folder_that_is_not_ours_is_neither_used_nor_emptied(tmp_path: Path) -> None:
    state = tmp_path / "home"
    (state / "logs").mkdir(parents=True)
    (state / "logs" / "mine.log").write_text("mine")
    code, said = refused_start(state, {"POSTHORN_FRESH": "1"})
    assert code == 1
    assert len(said) == 1
    assert "is not a state folder of Posthorn" in said[0]
    assert (state / "logs" / "mine.log").read_text() == "mine"


def test_state_of_another_version(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "posthorn-state").write_text("99\n")
    code, said = refused_start(state, {})
    assert code == 1
    assert len(said) == 1
    assert "another version" in said[0]
    assert "make run FRESH=1" in said[0]


def test_a_state_folder_in_use(start_stack: StartStack) -> None:
    stack = start_stack()
    code, said = refused_start(stack.state, {})
    assert code == 1
    assert said == [
        f"posthorn: another Posthorn (process {stack.process.pid}) is running with the state"
        f" folder {stack.state}; stop it, or set POSTHORN_STATE to another folder."
    ]
    assert stack.now_facts()["pids"] == stack.facts["pids"]
    assert stack.stop() == 0


def test_nothing_answers_at_the_named_endpoint_of_aws(tmp_path: Path) -> None:
    """An endpoint that refuses what we ask is reported, and everything is stopped again."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    settings = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    code, said = refused_start(tmp_path / "state", settings)
    assert code == 1
    told = [line for line in said if line.startswith("posthorn: ")]
    assert len(told) == 1
    sentence = f"posthorn: nothing answers at the AWS endpoint http://127.0.0.1:{port} (log: "
    assert told[0].startswith(sentence)
