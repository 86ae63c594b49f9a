"""Reads the imports of every module and says which of them go against the architecture.

The rules are one table, `RULES`; `violations(root)` applies it to any tree that has our folder names. It reads
syntax only and runs nothing, so a module that cannot be imported is still checked. An import built from a computed
name escapes it; one with a literal name (`importlib.import_module("chalicelib.adapters.s3")`) does not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Folder of sources → the folder that is on sys.path for it.
SOURCE_ROOTS = {
    "chalicelib": ".",
    "functions": ".",
    "infra": ".",
    "smtp-gateway/gateway": "smtp-gateway",
}

STDLIB = "(standard library)"
THIRD_PARTY = "(any library)"
OURS = ("chalicelib", "functions", "gateway", "infra", "app", "tests", "bench")

CLOCK_AND_WORLD = (
    "asyncio",
    "os",
    "random",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
)
CLOCK_CALLS = {"now", "utcnow", "today"}
# What converts domain names, and the one module that may: two conversions are two destinations (ADR 23).
CONVERSIONS = ("idna", "encodings.idna", "stringprep")
CONVERTER = "chalicelib.domain.domain_name"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the modules under `package` may import. `banned` wins over `allowed`."""

    package: str
    allowed: tuple[str, ...]
    banned: tuple[str, ...] = ()
    reads_clock: bool = True


# What a service may import besides other services.
BELOW_SERVICES = (STDLIB, "chalicelib.domain", "chalicelib.ports", "chalicelib.config")
FUNCTIONS = (
    STDLIB,
    "chalicelib.bootstrap",
    "chalicelib.config",
    "chalicelib.api",
    "chalicelib.domain",
    "chalicelib.ports",
    "chalicelib.services",
    "chalice",
    "functions",
)

# The longest matching package decides.
RULES = (
    Rule("chalicelib", (STDLIB, THIRD_PARTY, "chalicelib"), ("chalicelib.adapters",)),
    Rule("chalicelib.domain", (STDLIB, "chalicelib.domain"), CLOCK_AND_WORLD, reads_clock=False),
    # The tables of `idna` are as pure as the standard library's own, which are of 2003 (ADR 23).
    Rule(
        "chalicelib.domain.domain_name",
        (STDLIB, "chalicelib.domain", "idna"),
        CLOCK_AND_WORLD,
        reads_clock=False,
    ),
    Rule("chalicelib.ports", (STDLIB, "chalicelib.domain", "chalicelib.ports"), reads_clock=False),
    Rule("chalicelib.config", (STDLIB, "chalicelib.domain", "chalicelib.config", "pydantic")),
    Rule(
        "chalicelib.services",
        (*BELOW_SERVICES, "chalicelib.services"),
        ("socket", "ssl"),
        reads_clock=False,
    ),
    # Every pipeline stands on the queue, which knows none.
    Rule(
        "chalicelib.services.queue",
        (*BELOW_SERVICES, "chalicelib.services.queue", "chalicelib.services.tenancy.directory"),
        ("socket", "ssl"),
        reads_clock=False,
    ),
    Rule(
        "chalicelib.services.outgoing",
        (
            *BELOW_SERVICES,
            "chalicelib.services.queue",
            "chalicelib.services.outgoing",
            "chalicelib.services.tenancy.authenticate",
            "chalicelib.services.tenancy.address_mac",
            "chalicelib.services.tenancy.directory",
            "chalicelib.services.together",
        ),
        ("socket", "ssl"),
        reads_clock=False,
    ),
    Rule(
        "chalicelib.adapters",
        (STDLIB, THIRD_PARTY, "chalicelib"),
        (
            "chalicelib.services",
            "chalicelib.bootstrap",
            "chalicelib.api",
            "chalicelib.web",
            "chalicelib.cli",
        ),
    ),
    Rule(
        "chalicelib.bootstrap",
        (STDLIB, THIRD_PARTY, "chalicelib"),
        ("chalicelib.api", "chalicelib.web", "chalicelib.cli"),
    ),
    Rule(
        "chalicelib.api",
        (
            STDLIB,
            "chalicelib.domain",
            "chalicelib.services",
            "chalicelib.ports",
            "chalicelib.api",
            "pydantic",
            "pydantic_core",
        ),
    ),
    Rule(
        "chalicelib.cli",
        (
            STDLIB,
            THIRD_PARTY,
            "chalicelib.bootstrap",
            "chalicelib.services",
            "chalicelib.domain",
            "chalicelib.ports",
            "chalicelib.config",
            "chalicelib.cli",
        ),
    ),
    Rule("functions", FUNCTIONS),
    # What Lambda hands over of the table's stream is the AWS adapter's to read.
    Rule("functions.outbox", (*FUNCTIONS, "chalicelib.adapters.aws.dynamo.changes")),
    Rule(
        "gateway",
        (STDLIB, "chalicelib", "aiosmtpd", "cryptography", "uvloop", "gateway"),
        ("chalicelib.adapters",),
    ),
    Rule("app", (STDLIB, "chalice", "functions")),
    Rule("infra", (STDLIB, THIRD_PARTY, *OURS), ("tests", "bench")),
)


def source_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Each module's dotted name and file. Folders that do not exist hold nothing."""
    if (app := root / "app.py").exists():
        yield "app", app
    for folder, path_root in SOURCE_ROOTS.items():
        for file in sorted((root / folder).rglob("*.py")):
            parts = file.relative_to(root / path_root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def violations(root: Path) -> list[str]:
    """One line for each import or clock reading that goes against the rules, with file and line."""
    files = dict(source_files(root))
    found = []
    for module, file in files.items():
        tree = ast.parse(file.read_text(), str(file))
        rule = rule_for(module)
        place = file.relative_to(root)
        for line, target in imports(
            tree, package_of(module, file), files.keys() | set(rule.banned)
        ):
            if not permits(rule, target) or (
                module != CONVERTER and any(within(target, name) for name in CONVERSIONS)
            ):
                found.append(f"{place}:{line}: {rule.package} must not import {target}")
        found += [
            f"{place}:{line}: {rule.package} must not use the codec of IDNA 2003"
            for line in codec_uses(tree)
        ]
        if not rule.reads_clock:
            found += [
                f"{place}:{line}: {rule.package} must not read the clock"
                for line in clock_reads(tree)
            ]
    return found


def rule_for(module: str) -> Rule:
    return max(
        (rule for rule in RULES if within(module, rule.package)), key=lambda rule: len(rule.package)
    )


def package_of(module: str, file: Path) -> str:
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def permits(rule: Rule, target: str) -> bool:
    if any(within(target, package) for package in rule.banned):
        return False
    if target == "chalicelib" or any(within(target, package) for package in rule.allowed):
        return True
    top = target.partition(".")[0]
    if top in sys.stdlib_module_names:
        return STDLIB in rule.allowed
    return THIRD_PARTY in rule.allowed and top not in OURS


def imports(tree: ast.Module, package: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and target of each import; `from x import y` means `x.y` when that is a module we know."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, package)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in modules else base
        elif isinstance(node, ast.Call) and (name := literal_import(node)):
            yield node.lineno, name


def absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def literal_import(call: ast.Call) -> str | None:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in {"import_module", "__import__"} or not call.args:
        return None
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def codec_uses(tree: ast.Module) -> Iterator[int]:
    """Lines that name Python's codec for domain names, as `encode` and `decode` take it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and str(node.value).lower() == "idna":
            yield node.lineno


def clock_reads(tree: ast.Module) -> Iterator[int]:
    """Lines that call datetime.now(), datetime.utcnow() or date.today(), however datetime was imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in {"datetime", "date"}:
                yield node.lineno
