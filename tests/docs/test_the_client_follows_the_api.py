"""The Python client's models and operations are those of the OpenAPI document."""

from __future__ import annotations

import inspect
import re
import tomllib

import posthorn_client
from chalicelib.api.v2.openapi import document
from chalicelib.api.v2.routes import every_route
from docs.python_client import PACKAGE, render_client
from posthorn_client.version import VERSION
from tests.docs.pages import ROOT


def test_generated_modules_are_up_to_date() -> None:
    rendered = render_client()
    assert {path: path.read_text() for path in rendered} == rendered, "run: python -m docs.generate"
    there = {
        path for folder in ("models", "operations") for path in (PACKAGE / folder).glob("*.py")
    }
    assert there == rendered.keys()


def test_every_operation_is_a_method() -> None:
    named = {
        re.sub(r"([A-Z])", r"_\1", one["operationId"]).lower()
        for methods in document(every_route())["paths"].values()
        for one in methods.values()
    }
    public = {
        name
        for name, _ in inspect.getmembers(posthorn_client.Client, inspect.isfunction)
        if not name.startswith("_")
    }
    lists = {name for name in public if name.startswith("all_")}
    assert public - lists - {"close"} == named
    assert {f"list_{name.removeprefix('all_')}" for name in lists} <= named


def test_both_wheels_have_one_version() -> None:
    """The program's wheel holds the client too."""
    program = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert program == VERSION
    assert (ROOT / "LICENSE").read_text() == (ROOT / "clients/python/LICENSE").read_text()
