"""Which fields the code gives to lines of the log, read from its syntax alone.

A field is a key of what stands in `extra={"fields": …}`, of notes, of what an event of SMTP is told with, or a keyword
of an error, whose fields are logged where it ends. Keys whose names are made at run time escape it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from tests.architecture.arrows import nodes_of

FOLDERS = ("chalicelib", "functions", "onehost", "smtp-gateway/gateway")
_HOLDING = {"notes", "done"}
_LOGGED = {"log_fields", "_account_of", "described", "take", "_number"}
_TREE = "MailError"
_OF_ERRORS = {"reply", "errors", "public"}


@cache
def logged_fields(root: Path) -> dict[str, str]:
    """Each field with a place where it is given."""
    nodes = {
        path.relative_to(root).as_posix(): nodes_of(path.read_text())
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }
    errors = _errors(chain.from_iterable(nodes.values()))
    found: dict[str, str] = {}
    for place, some in nodes.items():
        for node in some:
            for name in _given(node, errors):
                found.setdefault(name, f"{place}:{getattr(node, 'lineno', 0)}")
    return found


def _errors(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names of the classes of errors."""
    bases: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            bases[node.name] = {one.id for one in node.bases if isinstance(one, ast.Name)}
    found = {_TREE}
    while more := {name for name, over in bases.items() if over & found} - found:
        found |= more
    return frozenset(found)


def _given(node: ast.AST, errors: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _of_call(node, errors)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _of_function(node)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from _of_target(target, node.value)


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Of what is returned for a line, and of variables that become the fields of one."""
    inside = list(ast.walk(node))
    named = {
        _name(value)
        for each in inside
        if isinstance(each, ast.keyword)
        and each.arg == "extra"
        and isinstance(each.value, ast.Dict)
        for value in each.value.values
    }
    for each in inside:
        is_returned = isinstance(each, ast.Return) and node.name in _LOGGED
        is_named = isinstance(each, ast.Assign) and _name(each.targets[0]) in named - {""}
        if (is_returned or is_named) and (value := getattr(each, "value", None)) is not None:
            yield from _keys(value)


def _of_call(node: ast.Call, errors: frozenset[str]) -> Iterator[str]:
    called = _name(node.func)
    if called in errors:
        yield from (one.arg for one in node.keywords if one.arg and one.arg not in _OF_ERRORS)
    elif called == "event" and _name(getattr(node.func, "value", node)) == "journal":
        yield from (one.arg for one in node.keywords if one.arg and one.arg != "level")
    elif called == "update" and _name(getattr(node.func, "value", node)) == "notes":
        yield from (one.arg for one in node.keywords if one.arg)
        for argument in node.args:
            yield from _keys(argument)
    for keyword in node.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            for value in keyword.value.values:
                yield from _keys(value)


def _of_target(target: ast.expr, value: ast.expr | None) -> Iterator[str]:
    if isinstance(target, ast.Subscript) and _name(target.value) in _HOLDING:
        if isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str):
            yield target.slice.value
    elif _name(target) == "notes" and value is not None:
        yield from _keys(value)


def _keys(value: ast.expr) -> Iterator[str]:
    """Names of a dictionary that is written out, also of parts that are joined."""
    for each in ast.walk(value):
        if isinstance(each, ast.Dict):
            for key in each.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
