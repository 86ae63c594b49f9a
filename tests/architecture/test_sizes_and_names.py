"""Files, functions and handlers stay small; every module says what it is; no module is named for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from tests.architecture.arrows import Nodes, nodes_of, source_files

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 300
FUNCTION_LINES = 40
HANDLER_LINES = 15  # in functions/: parse, call one service, map the result
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "managers", "manager", "common", "misc"}


def functions(nodes: Nodes) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function, without its decorators and docstring."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                first = node.body[0]
                lines -= (first.end_lineno or first.lineno) - first.lineno + 1
            yield node.name, lines


def too_long(root: Path) -> list[str]:
    found = []
    for module, file in source_files(root):
        source, place = file.read_text(), file.relative_to(root)
        if (lines := source.count("\n")) > FILE_LINES:
            found.append(f"{place}: {lines} lines, at most {FILE_LINES}")
        limit = HANDLER_LINES if module.startswith("functions") else FUNCTION_LINES
        for name, length in functions(nodes_of(source)):
            if length > limit:
                found.append(f"{place}: {name} has {length} lines, at most {limit}")
    return found


def test_files_and_functions_are_small() -> None:
    assert too_long(ROOT) == []


def test_a_long_function_is_found(tmp_path: Path) -> None:
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "functions").mkdir()
    forty_one = "def f():\n" + "    x = 1\n" * 40
    (tmp_path / "chalicelib/long.py").write_text(forty_one + "x = 1\n" * 260)
    (tmp_path / "functions/long.py").write_text(
        'def g():\n    """Not counted."""\n' + "    x = 1\n" * 15
    )
    assert too_long(tmp_path) == [
        "chalicelib/long.py: 301 lines, at most 300",
        "chalicelib/long.py: f has 41 lines, at most 40",
        "functions/long.py: g has 16 lines, at most 15",
    ]


def test_every_module_has_a_docstring() -> None:
    bare = [
        str(file.relative_to(ROOT))
        for _, file in source_files(ROOT)
        if not ast.get_docstring(cast("ast.Module", nodes_of(file.read_text())[0]))
    ]
    assert bare == []


def test_no_module_has_an_empty_name() -> None:
    named = [module for module, _ in source_files(ROOT) if EMPTY_NAMES & set(module.split("."))]
    assert named == []
