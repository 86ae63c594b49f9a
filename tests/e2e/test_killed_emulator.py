"""An AWS emulator that dies ends the stack with one sentence; the next start goes on with what was saved."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.conftest import StartStack
from tests.e2e.stack import wait_for
from tests.patience import PATIENCE

pytestmark = pytest.mark.targets("runner")  # the one target with an emulator that starts in seconds


def test_a_killed_emulator_is_one_clear_sentence(start_stack: StartStack) -> None:
    stack = start_stack()
    saved = stack.state / "aws" / "dynamodb.json"
    wait_for(saved.exists, "the emulator's first save")
    os.kill(stack.now_facts()["pids"]["aws"], signal.SIGKILL)
    assert stack.process.wait(PATIENCE) == 1
    said = [line for line in stack.output.splitlines() if line.startswith("posthorn: ")]
    assert said == [
        "posthorn: the AWS emulator ended unexpectedly (signal SIGKILL), so the stack stops;"
        f" see {stack.state}/logs/aws.log"
    ]
    assert stack.left_over() == []
    assert not (stack.state / "stack.json").exists()

    again = start_stack()
    assert again.facts["server"] == stack.facts["server"]
    assert again.stop() == 0


def test_an_emulator_killed_before_its_first_save_starts_over(start_stack: StartStack) -> None:
    stack = start_stack()
    os.kill(stack.now_facts()["pids"]["aws"], signal.SIGKILL)
    assert stack.process.wait(PATIENCE) == 1

    again = start_stack()
    assert again.facts["server"] == stack.facts["server"]
    assert "DKIM pass" in again.output
    assert again.stop() == 0
