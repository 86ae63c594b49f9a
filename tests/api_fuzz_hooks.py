"""What schemathesis, which runs as a program of its own, is told of a filled tenant, and what it tells of its answers.

`FILLED` in the environment names a file with the operations' paths and bodies that are there; `ANSWERED` the file to
which a line goes for each answer: operation and status.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

_FILLED: dict[str, Any] = json.loads(Path(os.environ["FILLED"]).read_text())
_ANSWERED = Path(os.environ["ANSWERED"])
_turns: dict[str, int] = {}


def _is_good(case: Any, location: ParameterLocation) -> bool:
    """Whether this part of a request was made to be right."""
    part = case.meta and case.meta.components.get(location)
    return part is not None and part.mode is GenerationMode.POSITIVE


def _numbered(body: Any, number: int) -> Any:
    """A body with this number where a sign counts: there may be one only of what is made of a thing."""
    return json.loads(json.dumps(body).replace("#", str(number)))


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_add_examples(context: Any, examples: list[Any]) -> None:
    """Begin with one request for each operation that is known to be good: how many others follow depends on time."""
    operation = context.operation
    known = _FILLED.get(operation.label)
    if known is None:
        return
    _turns[operation.label] = 0
    names = known["paths"][0] if known["paths"] else {}
    query = {name: one.format_map(names) for name, one in known["query"].items()}
    parts: dict[str, Any] = {"path_parameters": dict(names), "query": query}
    if known["body"] is not None:
        parts |= {"body": _numbered(known["body"], 0), "media_type": "application/json"}
    examples[:] = [operation.Case(headers=known["headers"], **parts)]


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let paths name what is there. One request in three has a body that is known to be good."""
    known = _FILLED.get(case.operation.label)
    if known is None:
        return
    turn = _turns[case.operation.label] = _turns.get(case.operation.label, -1) + 1
    if known["paths"] and _is_good(case, ParameterLocation.PATH):
        case.path_parameters = dict(known["paths"][turn % len(known["paths"])])
    if known["query"] and _is_good(case, ParameterLocation.PATH):
        needed = {
            name: one.format_map(case.path_parameters) for name, one in known["query"].items()
        }
        case.query = {**(case.query or {}), **needed}
    if known["body"] is not None and turn % 3 == 0 and _is_good(case, ParameterLocation.BODY):
        case.body = _numbered(known["body"], turn // 3)


@schemathesis.hook  # type: ignore[untyped-decorator]
def after_call(context: Any, case: Any, response: Any) -> None:
    """Note what was answered."""
    with _ANSWERED.open("a") as answered:
        answered.write(json.dumps([case.operation.label, response.status_code]) + "\n")
