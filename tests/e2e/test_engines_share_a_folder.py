"""Each engine keeps its state in a folder of its own: one state folder serves either, in turn, and never two stacks."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, message


@pytest.mark.targets("runner")  # which has the emulator, and starts in seconds
def test_one_state_folder_serves_one_engine_after_the_other(start_stack: StartStack) -> None:
    runs = [start_and_send(start_stack, engine) for engine in ("sqlite", "aws", "sqlite")]
    assert [run.facts["engine"] for run in runs] == ["sqlite", "aws", "sqlite"]
    assert runs[0].facts["server"] == runs[1].facts["server"] == runs[2].facts["server"]
    for folder in ("sqlite", "aws"):
        assert (runs[0].state / folder).is_dir()


def start_and_send(start_stack: StartStack, engine: str) -> RunningStack:
    """Start, send one message with the demo key, and stop."""
    stack = start_stack({"POSTHORN_ENGINE": engine})
    rcpt = f"on-{engine}@example.test"
    stack.submit(rcpt, message(rcpt))
    stack.arrival(rcpt)
    sent = emails_of(stack)
    assert rcpt in sent
    other = {"sqlite": "aws", "aws": "sqlite"}[engine]
    assert f"on-{other}@example.test" not in sent
    assert stack.stop() == 0
    return stack


def emails_of(stack: RunningStack) -> set[str]:
    """The recipients of all messages that the engine knows."""
    headers = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    status, body = stack.request("GET", "/api/v2/emails?limit=100", headers=headers)
    assert status == 200, body
    found = json.loads(body)
    return {each["to"] for each in found["data"]}
