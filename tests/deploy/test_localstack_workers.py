"""Lambda environments as processes: what a function sees, and what becomes of it when it hangs, dies or is orphaned."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.localstack.posthorn_localstack import process
from tests.patience import PATIENCE

CODE = """
import json, os, sys, time
def handler(event, context):
    print("seen", event.get("n"))
    if "sleep" in event: time.sleep(event["sleep"])
    if "exit" in event: os._exit(event["exit"])
    if "fail" in event: raise ValueError(event["fail"])
    return {"n": event.get("n"), "left": context.get_remaining_time_in_millis(), "id": context.aws_request_id,
            "size": len(event.get("big", "")), "pid": os.getpid()}
"""
Start = Callable[..., Any]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts workers; all are ended afterwards."""
    workers = []
    (tmp_path / "mod.py").write_text(CODE)

    def begin(handler: str = "mod.handler") -> Any:
        environment = {
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "_HANDLER": handler,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "3",
        }
        workers.append(process.Worker(sys.executable, environment))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.close()


def ask(worker: Any, event: str, seconds: float = PATIENCE) -> dict[str, Any]:
    found: dict[str, Any] = worker.ask({"id": "r1", "arn": "arn", "payload": event}, seconds)
    return found


def test_one_process_answers_one_event_after_the_other(start: Start) -> None:
    worker = start()
    assert worker.first_words(PATIENCE)["ready"]
    first = json.loads(ask(worker, '{"n": 1}')["answer"])
    second = json.loads(ask(worker, '{"n": 2}')["answer"])
    assert (first["n"], second["n"]) == (1, 2)
    assert first["pid"] == second["pid"] == worker.pid
    assert first["id"] == "r1"
    assert 0 < first["left"] <= 3_000
    assert worker.take_output() == "seen 1\nseen 2\n"
    assert worker.take_output() == ""


def test_an_event_of_six_megabytes_arrives_whole(start: Start) -> None:
    worker = start()
    worker.first_words(PATIENCE)
    big = "x" * (6 * 1024 * 1024 - 100)
    assert json.loads(ask(worker, json.dumps({"big": big}))["answer"])["size"] == len(big)


def test_an_error_is_an_answer_without_the_workers_own_frames(start: Start) -> None:
    worker = start()
    worker.first_words(PATIENCE)
    failure = json.loads(ask(worker, '{"fail": "no"}')["failure"])
    assert (failure["errorType"], failure["errorMessage"]) == ("ValueError", "no")
    assert len(failure["stackTrace"]) == 1
    assert "ValueError: no" in worker.take_output()
    assert json.loads(ask(worker, '{"n": 3}')["answer"])["n"] == 3


def test_a_function_that_hangs_is_killed_in_time(start: Start) -> None:
    worker = start()
    worker.first_words(PATIENCE)
    with pytest.raises(process.WorkerTooSlow):
        ask(worker, '{"sleep": 60}', 0.3)
    assert not worker.is_running


def test_a_function_that_dies_says_how(start: Start) -> None:
    worker = start()
    worker.first_words(PATIENCE)
    with pytest.raises(process.WorkerEnded, match="exit status 7"):
        ask(worker, '{"exit": 7}')
    with pytest.raises(process.WorkerEnded):
        ask(worker, '{"n": 1}')


def test_a_handler_that_cannot_be_imported_says_why(start: Start) -> None:
    said = start("nowhere.handler").first_words(PATIENCE)
    assert json.loads(said["failure"])["errorType"] == "ModuleNotFoundError"


def test_a_worker_ends_with_its_parent_even_while_it_works(start: Start) -> None:
    worker = start()
    worker.first_words(PATIENCE)
    worker._pipe.send_bytes(b'{"id": "r", "arn": "a", "payload": "{\\"sleep\\": 600}"}')
    worker._pipe.close()
    end = time.monotonic() + PATIENCE
    while worker.is_running:
        assert time.monotonic() < end
        time.sleep(0.02)
