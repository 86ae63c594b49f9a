"""One Lambda execution environment: `python worker.py PIPE`, a file descriptor that carries JSON both ways.

Imports the handler named by `_HANDLER` from `LAMBDA_TASK_ROOT`, says so, then handles one request after the other as
Lambda's Python runtime does: the event decoded from JSON, a context object, the answer encoded as JSON, an error as its
class, text and stack. It ends when the other end of PIPE is closed, even while a handler runs, so that it never
outlives the process that started it. Standard library only, because it runs in the function's own interpreter.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Handler = Callable[[Any, "Context"], Any]


class Context:
    """Lambda's context object."""

    identity = None
    client_context = None

    def __init__(self, request_id: str, arn: str, deadline: float) -> None:
        self._deadline = deadline
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def account_of(error: BaseException) -> dict[str, Any]:
    """What Lambda answers when a handler fails."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],  # the first frame is ours
    }


def load() -> Handler:
    """The handler, imported as Lambda does it; whatever its import raises."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    sys.path[0] = root  # in place of this file's folder
    os.chdir(root)
    module, _, name = os.environ["_HANDLER"].replace("/", ".").rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def answer_to(handler: Handler, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """One invocation."""
    context = Context(request["id"], request["arn"], time.monotonic() + seconds)
    begun = time.monotonic()
    try:
        answer = {"answer": json.dumps(handler(json.loads(request["payload"]), context))}
    except (
        BaseException
    ) as error:  # whatever it is, SystemExit included: Lambda reports it and goes on
        traceback.print_exc()
        answer = {"failure": json.dumps(account_of(error))}
    return {"ms": (time.monotonic() - begun) * 1000, "memory": most_megabytes(), **answer}


def most_megabytes() -> int:
    """The most memory this process ever held. `getrusage` would count what its parent held before it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return 0
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) // 1024


def read_into(waiting: queue.SimpleQueue[dict[str, Any]], pipe: Connection) -> None:
    """Hand on each request; end the process when there can be no more."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            waiting.put(json.loads(pipe.recv_bytes()))
    os._exit(0)


def main(descriptor: int) -> int:
    """0 never, because the reader ends the process; 1 when the handler cannot be imported."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text stream
    pipe = Connection(descriptor)

    def tell(value: dict[str, Any]) -> None:
        pipe.send_bytes(json.dumps(value).encode())

    begun = time.monotonic()
    try:
        handler = load()
    except BaseException as error:  # a module may even call exit() while it is imported
        traceback.print_exc()
        tell({"failure": json.dumps(account_of(error))})
        return 1
    tell({"ready": True, "ms": (time.monotonic() - begun) * 1000})
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=read_into, args=(waiting, pipe), daemon=True).start()
    seconds = float(os.environ.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"))
    while True:
        tell(answer_to(handler, waiting.get(), seconds))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
