"""The log on standard output, a line of JSON each: records of the services, and units of work.

A record's `fields` (message and server numbers, attempt, outcome, milliseconds) become names of the line. Nothing here
adds addresses or content, and a stack is given as places in the code, never with values. Records below WARNING of one
turn of an event loop leave in one write, so a process that is killed may lose the last few. POSTHORN_LOG_LEVEL says
what is left out. A process with a person in front of it asks for text in place of JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.log_lines import as_text, weight

DEEPEST_STACK = 8
_LOGGER = logging.getLogger("posthorn")
_AS_JSON = json.JSONEncoder(default=str).encode  # json.dumps makes a new one for each line
_form: Callable[[Mapping[str, Any]], str] = _AS_JSON
DEAD_LETTERS = "posthorn.dead_letters"
_COUNTED = {"warning": "warning", "error": "error", "critical": "error"}
counted: Counter[str] = Counter(warning=0, error=0, dead_letters=0)
"""How many warnings and errors this process has written, and how many of these were of dead letters."""


class JsonLines(logging.Handler):
    """Writes each record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__()
        self._turn: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a broken standard output ends in logging's own error handling."""
        try:
            _count(record.levelname.lower(), record.name)
            sys.stdout.write(_form(_line(record)) + "\n")
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


def write_line(line: Mapping[str, Any]) -> None:
    """One line, at once."""
    level = str(line.get("level", "info"))
    if _LOGGER.isEnabledFor(weight(level)):
        _count(level)
        sys.stdout.write(_form(line) + "\n")
        sys.stdout.flush()


def _count(level: str, unit: str = "") -> None:
    if level in _COUNTED:
        counted[_COUNTED[level]] += 1
    if unit == DEAD_LETTERS and level == "error":
        counted["dead_letters"] += 1


def log_without_places() -> None:
    """Have no record look for what no line has: where in the code it was made, and in which thread and process."""
    logging._srcfile = None  # as "Optimization" in the logging HOWTO has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def log_for_people(*, are_there: bool) -> None:
    """Write text where somebody reads along, else JSON."""
    global _form  # noqa: PLW0603  # a process has one standard output
    _form = as_text if are_there else _AS_JSON


def log_as_json(environment: Mapping[str, str] = os.environ) -> None:
    """Send what the services log through `JsonLines`, once in a process, from the level of the settings up."""
    if not any(isinstance(handler, JsonLines) for handler in _LOGGER.handlers):
        _LOGGER.addHandler(JsonLines())
    _LOGGER.setLevel(weight(environment.get("POSTHORN_LOG_LEVEL", "")))
    # Lambda's own root handler would write each line a second time.
    _LOGGER.propagate = "AWS_LAMBDA_FUNCTION_NAME" not in environment


def _line(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    level = record.levelname.lower()
    line: dict[str, Any] = {"time": round(record.created, 3), "unit": record.name, "level": level}
    line["text"] = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_STACK:]
        line["error"] = type(error).__name__
        fields = {**fields, "stack": [f"{at.filename}:{at.lineno} {at.name}" for at in frames]}
    return line | fields
