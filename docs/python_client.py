"""Writes what follows of the Python client from the OpenAPI document: its models and its operations.

Each group of paths (`/servers…`) has one module of operations, and one of models if it needs any. A model belongs to
the first group that uses it, so that no module imports another that imports it; what is inside of others has a module
of its own where one would be long. Modules come formatted.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chalicelib.api.v2.openapi import document
from chalicelib.api.v2.routes import every_route
from docs.client_models import (
    NOTICE,
    PARTS,
    PREFIX,
    VERBS,
    WHOLES,
    Schema,
    models_module,
    parts_of,
    used,
)
from docs.client_operations import Operations, class_of, operations_module

ROOT = Path(__file__).resolve().parents[1]
# Of a group, before those behind a thing (`/{id}/verb`) get a module of their own.
MOST_OPERATIONS = 10
LONGEST = 220  # lines of a module of models, before what is inside of others gets one of its own
PACKAGE = ROOT / "clients" / "python" / "posthorn_client"


@functools.cache
def render_client() -> dict[Path, str]:
    """Each generated module of the client by its path."""
    described = document(every_route())
    schemas: Schema = described["components"]["schemas"]
    groups = _groups(described)
    home: dict[str, str] = {}
    for group, own in groups.items():
        for name in used([_told(one) for _, _, one in own], schemas):
            home.setdefault(name, group)
    modules = {}
    for group in list(groups):
        for inside in (PARTS, WHOLES):  # the second of what is made of the first
            models = sorted(name for name in home if home[name] == group)
            if models and models_module(group, models, schemas, home).count("\n") > LONGEST:
                home |= dict.fromkeys(parts_of(models, schemas), f"{group}{inside}")
    for place in dict.fromkeys(home.values()):
        models = sorted(name for name in home if home[name] == place)
        modules[f"models/{place}.py"] = models_module(place, models, schemas, home)
    for group, own in groups.items():
        modules[f"operations/{group}.py"] = operations_module(group, own, schemas, home)
    modules["models/__init__.py"] = _all_models(home)
    modules["operations/__init__.py"] = _all_operations(sorted(groups))
    return {PACKAGE / place: text for place, text in _formatted(modules).items()}


def write_client() -> None:
    """Write the modules, and remove others."""
    rendered = render_client()
    for folder in ("models", "operations"):
        for file in (PACKAGE / folder).glob("*.py"):
            if file not in rendered:
                file.unlink()
    for path, text in rendered.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def _groups(described: Schema) -> dict[str, Operations]:
    """The operations by the first part of their path; of many, the verbs apart."""
    groups: dict[str, Operations] = {}
    for path, methods in described["paths"].items():
        name = re.split(r"[/.]", path.removeprefix(PREFIX).lstrip("/."))[0].replace("-", "_")
        groups.setdefault(name, []).extend((method, path, one) for method, one in methods.items())
    for name in [name for name, own in groups.items() if len(own) > MOST_OPERATIONS]:
        verbs = [one for one in groups[name] if re.search(r"\}/\w+$", one[1])]
        if verbs:
            groups[name] = [one for one in groups[name] if one not in verbs]
            groups[f"{name}{VERBS}"] = verbs
    return groups


def _told(operation: Schema) -> list[Any]:
    """Where an operation names what is sent and answered, problems aside."""
    good = [one for status, one in operation["responses"].items() if status < "4"]
    return [operation.get("requestBody"), operation.get("parameters"), good]


def _all_models(home: dict[str, str]) -> str:
    places = sorted(set(home.values()))
    imports = "\n".join(f"from posthorn_client.models.{place} import *" for place in places)
    return f'"""The JSON objects of the API, as types.\n\n{NOTICE}\n"""\n\n{imports}\n'


def _all_operations(groups: list[str]) -> str:
    imports = "\n".join(
        f"from posthorn_client.operations.{group} import {class_of(group)}" for group in groups
    )
    bases = ", ".join(class_of(group) for group in groups)
    return (
        f'"""All operations of the API.\n\n{NOTICE}\n"""\n\n{imports}\n\n\n'
        f'class Operations({bases},):\n    """All operations of the API."""\n'
    )


def _formatted(modules: dict[str, str]) -> dict[str, str]:
    """The modules as the formatter leaves them, their imports in order."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for place, text in modules.items():
            file = folder / "posthorn_client" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        ruff = (sys.executable, "-m", "ruff")
        settings = ("--config", str(ROOT / "pyproject.toml"), "--quiet", "--no-cache", scratch)
        for step in (("check", "--select", "I", "--fix"), ("format",)):
            subprocess.run([*ruff, *step, *settings], check=True)  # noqa: S603  # our own linter
        return {place: (folder / "posthorn_client" / place).read_text() for place in modules}
