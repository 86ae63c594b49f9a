"""The operations of the Python client as text: a class for each group of paths, a method for each operation."""

from __future__ import annotations

import keyword
import re
from textwrap import fill, indent
from typing import Any

from docs.client_models import NOTICE, WIDTH, Schema, model_imports, path_of, type_of

# (method, path, operation) of each operation of a group.
Operations = list[tuple[str, str, Schema]]

TENANT, KEY = "Posthorn-Tenant", "Idempotency-Key"
LONGEST_LIST = 10


def operations_module(group: str, own: Operations, schemas: Schema, home: dict[str, str]) -> str:
    """The module of a group's operations; `home` says of which group each model is."""
    body = "\n".join(_operation(*one, schemas) for one in own)
    models = {name for name in home if re.search(rf"\b{name}\b", re.sub(r'"""[^"]*"""', "", body))}
    names = [name for name in ("Any", "Literal") if re.search(rf"\b{name}\b", body)]
    needed = [name for name in ("Request", "part") if f"{name}(" in body]
    return "\n".join(
        [
            f'"""Operations on `{path_of(group)}`.\n\n{NOTICE}\n"""\n',
            "from __future__ import annotations\n",
            *(["from collections.abc import Iterator\n"] if "Iterator[" in body else []),
            *([f"from typing import {', '.join(names)}\n"] if names else []),
            *model_imports(models, home),
            "from posthorn_client.asking import Asking",
            *(["from posthorn_client.paging import items"] if "items(" in body else []),
            f"from posthorn_client.request import {', '.join(needed)}",
            f"\n\nclass {class_of(group)}(Asking):",
            f'    """Operations on `{path_of(group)}`."""\n',
            body,
        ]
    )


def class_of(group: str) -> str:
    """The name of the class of a group's operations."""
    return f"{group.title().replace('_', '')}Operations"


def _operation(method: str, path: str, operation: Schema, schemas: Schema) -> str:
    """The method of an operation, and for a list one that goes through its pages."""
    name = re.sub(r"([A-Z])", r"_\1", operation["operationId"]).lower()
    parameters = operation.get("parameters", ())
    query = [_with_names(one, schemas) for one in parameters if one["in"] == "query"]
    answer, asked = _answer(operation)
    text = "\n".join(
        [
            f"def {name}({_signature(path, operation, query)}) -> {answer}:",
            indent(_described(operation), "    "),
            _request(method, path, operation, query),
            *(
                ["    self._nothing(request)"]
                if answer == "None"
                else [f"    answer: {answer} = self.{asked}(request)", "    return answer"]
            ),
        ]
    )
    item = _item(answer, query, schemas)
    more = f"\n\n{_paged(name, path, operation, query, item)}" if item else ""
    return indent(f"{text}{more}\n", "    ")


def _answer(operation: Schema) -> tuple[str, str]:
    """The type of what is answered, and the method that asks for such."""
    good = next(one for status, one in operation["responses"].items() if status < "3")
    if "content" not in good:
        return "None", "_nothing"
    ((media, content),) = list(good["content"].items())[:1]
    if "json" not in media:
        return "bytes", "_octets"
    return (type_of(content["schema"]) if content else "dict[str, Any]"), "_json"


def _signature(path: str, operation: Schema, query: list[Schema], *more: str) -> str:
    """The arguments of a method; `more` are named ones at the end."""
    parts = ["self"]
    for name in re.findall(r"\{(\w+)\}", path):
        parts.append(f"{name}: {'int | str' if name == 'id' else 'str'}")
    if (body := operation.get("requestBody")) is not None:
        parts.append(f"body: {type_of(body['content']['application/json']['schema'])}")
    sent = _headers(operation)
    named = [f"{_argument(one)}: {_or_none(one)}" for one in query]
    named += [
        f"{called}: str | None = None"
        for header, called in ((TENANT, "tenant"), (KEY, "idempotency_key"))
        if header in sent
    ]
    if named or more:
        parts += ["*", *named, *more]
    return ", ".join(parts)


def _with_names(value: Any, schemas: Schema) -> Any:
    """A description with long lists of words replaced by the name that they have elsewhere."""
    if isinstance(value, list):
        return [_with_names(one, schemas) for one in value]
    if not isinstance(value, dict):
        return value
    words = value.get("enum", ())
    if len(words) > LONGEST_LIST:
        for name, schema in schemas.items():
            if schema.get("enum") == words:
                return {"$ref": f"#/components/schemas/{name}"}
    return {key: _with_names(one, schemas) for key, one in value.items()}


def _headers(operation: Schema) -> set[str]:
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}


_LOCAL = frozenset({"request", "answer"})  # names in the body of an operation


def _argument(parameter: Schema) -> str:
    name = str(parameter["name"])
    return f"{name}_" if keyword.iskeyword(name) or name in _LOCAL else name


def _or_none(parameter: Schema) -> str:
    kind = type_of(parameter["schema"])
    if parameter.get("required"):
        return kind
    return f"{kind} = None" if kind.endswith("| None") else f"{kind} | None = None"


def _described(operation: Schema) -> str:
    summary, more = operation["summary"], operation.get("description", "")
    if not more:
        return f'"""{summary}."""'
    words = fill(" ".join(more.split()), WIDTH - 8, break_long_words=False)
    return f'"""{summary}.\n\n{words}\n"""'


def _request(method: str, path: str, operation: Schema, query: list[Schema]) -> str:
    sent = _headers(operation)
    place = re.sub(r"\{(\w+)\}", r"{part(\1)}", path)
    parts = [f'"{method.upper()}"', f'{"f" if "{" in place else ""}"{place}"']
    if query:
        pairs = ", ".join(f'"{one["name"]}": {_argument(one)}' for one in query)
        parts.append(f"query={{{pairs}}}")
    if "requestBody" in operation:
        parts.append("body=body")
    if TENANT in sent:
        parts.append("tenant=tenant")
    if KEY in sent:
        parts.append("can_repeat=True, idempotency_key=idempotency_key")
    return f"    request = Request({', '.join(parts)})"


def _item(answer: str, query: list[Schema], schemas: Schema) -> str:
    """What a list that is answered in pages holds; empty for what is no such list."""
    if "cursor" not in {one["name"] for one in query}:
        return ""
    return type_of(schemas[answer]["properties"]["data"]["items"])


def _paged(name: str, path: str, operation: Schema, query: list[Schema], item: str) -> str:
    kept = [one for one in query if one["name"] not in {"limit", "cursor"}]
    passed = [*re.findall(r"\{(\w+)\}", path), "limit=limit", "cursor=cursor"]
    passed += [f"{_argument(one)}={_argument(one)}" for one in kept]
    if any(one["name"] == TENANT for one in operation["parameters"]):
        passed.append("tenant=tenant")
    return "\n".join(
        [
            f"def {name.replace('list_', 'all_', 1)}(",
            f"{_signature(path, operation, kept, 'limit: int = 100')}) -> Iterator[{item}]:",
            f'    """The items of all pages of `{name}`, each asked for when it is needed."""',
            f"    return items(lambda cursor: self.{name}({', '.join(passed)}))",
        ]
    )
