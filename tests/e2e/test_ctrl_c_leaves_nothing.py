"""However the stack is stopped, no process, no port and no stack.json stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import StartStack
from tests.e2e.stack import ROOT, is_listening, stack_environment, wait_for
from tests.e2e.target import chosen
from tests.patience import PATIENCE

UNPACKED = Path("aws/tmp")  # an emulator's: the code of functions that ran, some 200 MB each


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_nothing(start_stack: StartStack, number: signal.Signals) -> None:
    stack = start_stack()
    assert all(is_listening(port) for port in stack.ports())
    assert stack.stop(number) == 0  # which looks for processes that are left
    assert not any(is_listening(port) for port in stack.ports())
    assert not (stack.state / "stack.json").exists()
    assert not (stack.state / UNPACKED).exists()
    assert stack.output.rstrip().endswith("stopped")


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_killed_supervisor_takes_everything_with_it(start_stack: StartStack) -> None:
    stack = start_stack()
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: not stack.left_over(), "the end of all processes")
    wait_for(lambda: not any(map(is_listening, stack.ports())), "the ports to be let go")
    forgotten = stack.state / UNPACKED / "code-of-a-function"
    forgotten.mkdir(parents=True, exist_ok=True)

    again = start_stack()
    sentence = "the last run did not stop cleanly; going on with the state that it left."
    assert again.output.count(sentence) == 1
    assert again.facts["server"] == stack.facts["server"]
    assert chosen().embedded or not forgotten.exists()
    assert again.stop() == 0


def test_ctrl_c_while_starting(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env=stack_environment(tmp_path / "state", chosen().settings),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    assert process.stdout is not None
    with process.stdout:
        assert b"starting Posthorn" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
    assert process.wait(PATIENCE) == 130
    assert rest.rstrip().endswith("stopped")
