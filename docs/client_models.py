"""The models of the Python client as text: what requests and answers of a group of paths hold, as typed
dictionaries."""

from __future__ import annotations

import keyword
import re
from textwrap import fill, indent
from typing import Any

Schema = dict[str, Any]

NOTICE = "Written by `python -m docs.generate`; change the declarations of the API that it reads."
PREFIX = "/api/v2/"
WELL_KNOWN = "well_known"  # what the Internet has at one place for all (RFC 8615)
WIDTH = 96
# What the names of modules end with that hold a part of a group.
PARTS, WHOLES, VERBS = "_parts", "_wholes", "_verbs"
LEAST_SHARED = 3  # fields, for one model to be made on another
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def used(anything: Any, schemas: Schema) -> list[str]:
    """The schemas that something refers to, and those to which these refer."""
    found: dict[str, None] = {}
    waiting = [anything]
    while waiting:
        for name in re.findall(r"'#/components/schemas/(\w+)'", repr(waiting.pop())):
            if name not in found:
                found[name] = None
                waiting.append(schemas[name])
    return list(found)


def models_module(group: str, names: list[str], schemas: Schema, home: dict[str, str]) -> str:
    """The module of these models; `home` says of which group each model is."""
    bases = {name: _base(name, names, schemas) for name in names}
    names = sorted(names, key=lambda name: (len(_line(name, bases)), name))
    foreign = {
        other
        for name in names
        for other in used(schemas[name], {key: {} for key in schemas})
        if home[other] != group
    }
    body = "\n\n".join(_model(name, bases[name], schemas) for name in names)
    return "\n".join(
        [
            f'"""{_title(group)}\n\n{NOTICE}\n"""\n',
            "from __future__ import annotations\n",
            *_typing_imports(body),
            *model_imports(foreign, home),
            f"__all__ = [{', '.join(repr(name) for name in sorted(names))}]\n",
            body,
        ]
    )


def parts_of(names: list[str], schemas: Schema) -> list[str]:
    """Those of a group's models that others of it are made of, and that are made of none of it themselves."""
    inner = {name: set(used(schemas[name], {key: {} for key in schemas})) for name in names}
    whole = set().union(*inner.values())
    return [name for name in names if name in whole and not inner[name] & set(names)]


def _title(group: str) -> str:
    what = (
        "What is inside of what operations"
        if group.endswith((PARTS, WHOLES))
        else "What operations"
    )
    return f"{what} on `{path_of(group)}` send and answer."


def path_of(group: str) -> str:
    """How the paths of a group begin."""
    whole = group.removesuffix(PARTS).removesuffix(WHOLES).removesuffix(VERBS)
    if whole == WELL_KNOWN:
        return "/.well-known"
    return f"{PREFIX}{whole.replace('_', '-')}{'/…' if group.endswith(VERBS) else ''}"


def _typing_imports(body: str) -> list[str]:
    code = re.sub(r'"""[^"]*"""', "", body)
    names = [
        name
        for name in ("Any", "Literal", "NotRequired", "TypedDict")
        if re.search(rf"\b{name}\b", code)
    ]
    return [f"from typing import {', '.join(names)}\n"] if names else []


def model_imports(names: set[str], home: dict[str, str]) -> list[str]:
    """The lines that import these models."""
    return [
        f"from posthorn_client.models.{home[name]} import {name}"
        for name in sorted(names, key=lambda one: (home[one], one))
    ]


def _base(name: str, others: list[str], schemas: Schema) -> str:
    """The largest of some models that this one is with fields added behind its own; empty for none."""
    own = _fields(name, schemas)
    found = [
        other
        for other in others
        if LEAST_SHARED <= len(_fields(other, schemas)) < len(own)
        and own[: len(_fields(other, schemas))] == _fields(other, schemas)
    ]
    return max(found, key=lambda other: (len(_fields(other, schemas)), other), default="")


def _line(name: str, bases: dict[str, str]) -> list[str]:
    """A model and those that it is made on, as far as they are of the same module."""
    return [name, *_line(bases[name], bases)] if name in bases else []


def _fields(name: str, schemas: Schema) -> list[tuple[str, str]]:
    """Each field of a model with its type."""
    schema = schemas[name]
    required = schema.get("required", ())
    return [
        (field, _field(own, field in required))
        for field, own in schema.get("properties", {}).items()
    ]


def _model(name: str, base: str, schemas: Schema) -> str:
    schema = schemas[name]
    description = docstring(schema.get("description", ""))
    if "enum" in schema:
        return f"{name} = {type_of(schema)}\n{description}\n"
    fields = _fields(name, schemas)[len(_fields(base, schemas)) if base else 0 :]
    lines = []
    if reserved := [f'"{field}": "{kind}"' for field, kind in fields if keyword.iskeyword(field)]:
        # What is no name of Python cannot stand in a class.
        lines = [f'_{name} = TypedDict("_{name}", {{{", ".join(reserved)}}})\n\n']
        base = f"_{name}"
    lines += [f"class {name}({base or 'TypedDict'}):", indent(description, "    "), ""]
    for field, kind in fields:
        if keyword.iskeyword(field):
            continue
        lines.append(f"    {field}: {kind}")
        if told := schema["properties"][field].get("description"):
            lines.append(indent(docstring(told), "    "))
    return "\n".join(lines) + "\n"


def _field(schema: Schema, is_required: bool) -> str:
    kind = type_of(schema)
    return kind if is_required else f"NotRequired[{kind}]"


def type_of(schema: Schema) -> str:
    """A schema as a type of Python."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(repr(one) for one in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {type_of(inner) if isinstance(inner, dict) else 'Any'}]"
    return _PLAIN.get(str(kind), "Any")


def docstring(text: str) -> str:
    """A text as a docstring."""
    words = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if len(words) <= WIDTH - 8:
        return f'"""{words}"""'
    return f'"""{fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)}\n"""'
