"""Lambda functions as processes of this machine, in place of containers: `LAMBDA_RUNTIME_EXECUTOR=process`.

Each execution environment is one process of `LAMBDA_PROCESS_PYTHON` (by default the first python3.x of the function's
runtime on the PATH) with the function's variables and nothing of the caller's but PATH. Promises one invocation at a
time for each environment, Lambda's time-out and its kill, a new process after either, and log lines as Lambda writes
them, with billed milliseconds. It does not enforce the memory limit, isolate the file system or the network, scale
time to the memory size, or support layers, container images and runtimes other than Python.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from posthorn_localstack.guarded import stack_keys
from posthorn_localstack.process import Worker, WorkerEnded, WorkerTooSlow

HOST = "127.0.0.1"
INIT_SECONDS = 10.0
logger = logging.getLogger(__name__)


class UnsupportedFunction(Exception):
    """The function asks for something that a process cannot give. Its text says what."""


class ProcessExecutor(RuntimeExecutor):
    """One execution environment, whose process is replaced when it dies."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._environment: dict[str, str] = {}
        self._worker: Worker | None = None
        self._init_ms = 0.0

    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process and import the handler; StatusErrorException carries what its import raised."""
        self._environment = self._variables(env_vars)
        self._start_worker()

    def stop(self) -> None:
        """Kill the process, even in the middle of an invocation, which then fails."""
        if self._worker is not None:
            self._worker.end()

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"{HOST}:0"

    def get_logs(self) -> str:
        return self._worker.take_output() if self._worker is not None else ""

    def invoke(self, payload: dict[str, Any]) -> InvocationResult:
        """One invocation; a failure of any kind is a result with `is_error`."""
        request_id = payload["invoke-id"]
        if self._worker is None or not self._worker.is_running:
            self._start_worker()
        worker = self._worker
        assert worker is not None  # noqa: S101  # `_start_worker` raises or sets it
        head = f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"
        text = payload["payload"]
        request = {
            "id": request_id,
            "arn": payload["invoked-function-arn"],
            "payload": text.decode() if isinstance(text, bytes) else text,
        }
        seconds = self.function_version.config.timeout
        try:
            answer = worker.ask(request, seconds)
        except WorkerTooSlow:
            said = f"{request_id} Task timed out after {seconds:.2f} seconds"
            answer = _lost(f"RequestId: {said}", "Sandbox.Timedout", seconds * 1000)
        except WorkerEnded as ended:
            said = f"RequestId: {request_id} Error: {ended}"
            answer = _lost(said, "Runtime.ExitError", 0.0)
        else:
            said = ""
        logs = head + worker.take_output() + (f"{said}\n" if said else "")
        logs += f"END RequestId: {request_id}\n" + self._report(request_id, answer)
        failure = answer.get("failure")
        body = failure if failure is not None else answer["answer"]
        return InvocationResult(request_id, body.encode(), failure is not None, logs)

    def _start_worker(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        python = _interpreter(self.function_version.config.runtime)
        self._worker = worker = Worker(python, self._environment)
        try:
            said = worker.first_words(INIT_SECONDS)
        except WorkerTooSlow:
            said = _lost("Init took longer than ten seconds", "Sandbox.Timedout", 0.0)
        except WorkerEnded as ended:
            said = _lost(str(ended), "Runtime.ExitError", 0.0)
        if (failure := said.get("failure")) is not None:
            logger.warning("%s: %s", self.function_version.id.function_name, worker.take_output())
            worker.end()
            raise StatusErrorException("Environment startup failed", payload=failure.encode())
        self._init_ms = said["ms"]

    def _report(self, request_id: str, answer: dict[str, Any]) -> str:
        """Lambda's REPORT line. Since August 2025 the import before a first invocation is billed as well."""
        init, self._init_ms = self._init_ms, 0.0
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {answer['ms']:.2f} ms",
            f"Billed Duration: {math.ceil(answer['ms'] + init)} ms",
            f"Memory Size: {self.function_version.config.memory_size} MB",
            f"Max Memory Used: {answer['memory']} MB",
            *([f"Init Duration: {init:.2f} ms"] if init else []),
        ]
        return "\t".join(parts) + "\t\n"

    def _variables(self, given: dict[str, Any]) -> dict[str, str]:
        code = self.function_version.config.code.get_unzipped_code_location()
        home = Path(tempfile.gettempdir()) / "lambda-home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(home),
            # The mark by which a stack's processes are known.
            **{name: os.environ[name] for name in ("POSTHORN_STATE",) if name in os.environ},
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: str(value) for name, value in given.items() if value is not None},
            # In place of keys that LocalStack made: the guard lets only the stack's own pass.
            **stack_keys().variables,
            "AWS_SESSION_TOKEN": "",
            "LAMBDA_TASK_ROOT": str(code),
            "TZ": "UTC",
        }

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code; UnsupportedFunction, which makes the function Failed with this reason."""
        config = function_version.config
        if config.layers:
            raise UnsupportedFunction("the process executor has no layers")
        _interpreter(config.runtime)
        if config.code:
            config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """The code belongs to LocalStack, which removes it."""

    @classmethod
    def validate_environment(cls) -> bool:
        return True


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """How LocalStack finds the executor."""

    name = "process"

    def load(self, *_: Any, **__: Any) -> type[ProcessExecutor]:
        return ProcessExecutor


def _interpreter(runtime: str | None) -> str:
    """What runs the functions of this runtime; UnsupportedFunction."""
    if not runtime or not runtime.startswith("python3."):
        raise UnsupportedFunction(f"the process executor runs Python, not {runtime}")
    if named := os.environ.get("LAMBDA_PROCESS_PYTHON"):
        return named
    if found := shutil.which(runtime):
        return found
    raise UnsupportedFunction(f"{runtime} is not on the PATH; set LAMBDA_PROCESS_PYTHON")


def _lost(message: str, kind: str, milliseconds: float) -> dict[str, Any]:
    failure = json.dumps({"errorMessage": message, "errorType": kind})
    return {"failure": failure, "ms": milliseconds, "memory": 0}
