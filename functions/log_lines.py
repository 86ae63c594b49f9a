"""Log records of the services as JSON lines on standard output, beside those that `functions.runtime` writes.

A record's `fields` (message and server numbers, attempt, outcome, milliseconds) become names of the line. Nothing here
adds addresses or content, and a stack is given as places in the code, never with values. Lines below WARNING of one
turn of an event loop leave in one write, so a process that is killed may lose the last few.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import traceback
from typing import Any

DEEPEST_STACK = 8
_ENCODER = json.JSONEncoder(default=str)  # json.dumps makes a new one for each line


class JsonLines(logging.Handler):
    """Writes each record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__()
        self._turn: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a broken standard output ends in logging's own error handling."""
        try:
            sys.stdout.write(_ENCODER.encode(_line(record)) + "\n")
            if record.levelno >= logging.WARNING or not self._leaves_soon(record):
                sys.stdout.flush()
        except OSError:
            self.handleError(record)

    def _leaves_soon(self, record: logging.LogRecord) -> bool:
        """Whether a loop runs, at the end of whose turn all that was written leaves."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._turn is not loop:
            self._turn = loop
            loop.call_soon(self._leave, record)
        return True

    def _leave(self, record: logging.LogRecord) -> None:
        self._turn = None
        try:
            sys.stdout.flush()
        except OSError:
            self.handleError(record)


def log_without_places() -> None:
    """Have no record look for what no line has: where in the code it was made, and in which thread and process."""
    logging._srcfile = None  # as "Optimization" in the logging HOWTO has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def log_as_json() -> None:
    """Send what the services log from INFO up through `JsonLines`, once in a process."""
    logger = logging.getLogger("posthorn")
    if not any(isinstance(handler, JsonLines) for handler in logger.handlers):
        logger.addHandler(JsonLines())
    logger.setLevel(logging.INFO)
    # Lambda's own root handler would write each line a second time.
    logger.propagate = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def _line(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    line = {"unit": record.name, "level": record.levelname.lower(), "text": record.getMessage()}
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_STACK:]
        line["error"] = type(error).__name__
        fields = {**fields, "stack": [f"{at.filename}:{at.lineno} {at.name}" for at in frames]}
    return line | fields
