"""Reads the CloudFormation templates beside it, and repeats for each pool what they say of the default one.

`load` gives a template as plain data in CloudFormation's long form (`{"Ref": …}`). `for_pools` is the one place that
knows what a pool is made of: every parameter, resource, output and list entry that names the default pool is the
pattern, and each further pool gets a copy under its own name. `for_addresses` does the like for a host's addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
DEFAULT_POOL = "default"
POOL = re.compile(r"[a-z][a-z0-9]{0,19}")
# CloudFormation takes no more in the request itself; longer templates come from a bucket.
LONGEST_INLINE = 51_200

Template = dict[str, Any]
# The copies of a text that has a mark; None for one that has none.
Copies = Callable[[str], list[str] | None]


# The parser in C is ten times as fast, where PyYAML was built with it.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # as above
    """YAML with CloudFormation's short tags."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{suffix} stands before nothing")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(name: str) -> Template:
    """The template of this file name as plain data."""
    return read_template((FOLDER / name).read_text())


def read_template(text: str) -> Template:
    """A template, JSON or YAML, as plain data."""
    loaded: Template = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    return loaded


def render(template: Mapping[str, Any]) -> str:
    """The template as CloudFormation takes it, the same text for the same template."""
    return json.dumps(template, separators=(",", ":"), sort_keys=True)


def with_numbers(template: Template, known: Mapping[str, str]) -> Template:
    """The template with each use of a parameter of type Number replaced by its value; ValueError for one that is none.

    CloudFormation hands parameters on as text. AWS reads text where it wants a number, the emulator compares the two.
    Their declarations stay, so that the stack itself says what it was told.
    """
    declared = template.get("Parameters", {})
    numbers = {
        name: _number(name, known.get(name, one.get("Default")), one)
        for name, one in declared.items()
        if one["Type"] == "Number" and (name in known or "Default" in one)
    }
    replaced: Template = _with_values(template, numbers)
    return replaced


def _number(name: str, text: object, declared: Mapping[str, Any]) -> int:
    if not str(text).isdecimal():
        raise ValueError(f"the parameter {name} is a whole number, not {text!r}")
    value = int(str(text))
    if not declared.get("MinValue", 0) <= value <= declared.get("MaxValue", value):
        raise ValueError(f"the parameter {name} cannot be {value}")
    return value


def _with_values(value: Any, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and value.get("Ref") in numbers:
            return numbers[value["Ref"]]
        return {key: _with_values(held, numbers) for key, held in value.items()}
    if isinstance(value, list):
        return [_with_values(held, numbers) for held in value]
    return value


def read_pools(text: str) -> tuple[str, ...]:
    """The pools of a list separated by blanks or commas; ValueError names one that cannot be."""
    pools = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for pool in pools:
        if not POOL.fullmatch(pool):
            raise ValueError(
                f"{pool!r} is no name for a pool: up to 20 small letters and digits, a letter first"
            )
    if DEFAULT_POOL not in pools:
        raise ValueError(f"the pools must hold {DEFAULT_POOL!r}, where mail without a pool goes")
    return pools


def for_pools(template: Template, pools: Sequence[str]) -> Template:
    """The template with whatever names the default pool repeated for each of the others."""
    others = [pool for pool in pools if pool != DEFAULT_POOL]

    def copies(text: str) -> list[str] | None:
        if "DeliverDefault" not in text and "deliver-default" not in text:
            return None
        return [text, *(_in_pool(text, pool) for pool in others)]

    repeated: Template = _repeat(template, copies)
    return repeated


def _in_pool(text: str, pool: str) -> str:
    named = text.replace("DeliverDefault", f"Deliver{pool.capitalize()}")
    return named.replace("deliver-default", f"deliver-{pool}")


def for_addresses(template: Template, count: int) -> Template:
    """The template with whatever has `{nth}` in it once for each address, and `{further}` for each but the first.

    That is a key with its value, or an entry of the innermost list that has the mark.
    """

    def copies(text: str) -> list[str] | None:
        first = 1 if "{nth}" in text else 2
        if first == 2 and "{further}" not in text:
            return None
        return [
            text.replace("{nth}", str(nth)).replace("{further}", str(nth))
            for nth in range(first, count + 1)
        ]

    numbered: Template = _repeat(template, copies)
    return numbered


def _repeat(value: Any, copies: Copies) -> Any:
    """The value with each key that has a mark repeated with what it holds, and each entry of the innermost list."""
    if isinstance(value, dict):
        grown: dict[str, Any] = {}
        for key, held in value.items():
            if copies(key) is None:
                grown[key] = _repeat(held, copies)
            else:
                for copy in copies(json.dumps({key: held})) or []:
                    grown |= json.loads(copy)
        return grown
    if isinstance(value, list):
        return [one for entry in value for one in _repeat_entry(entry, copies)]
    return value


def _repeat_entry(entry: Any, copies: Copies) -> list[Any]:
    if _has_marked_list(entry, copies):
        return [_repeat(entry, copies)]
    found = copies(json.dumps(entry))
    return [entry] if found is None else list(map(json.loads, found))


def _has_marked_list(value: Any, copies: Copies) -> bool:
    """Whether a list with a mark is in it; the name of a resource and its attribute are none."""
    if isinstance(value, dict):
        held = (held for name, held in value.items() if name != "Fn::GetAtt")
        return any(_has_marked_list(one, copies) for one in held)
    return isinstance(value, list) and copies(json.dumps(value)) is not None
