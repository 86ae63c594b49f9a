"""Reads the imports of every module and says which of them go against the architecture.

The rules are one table, a row a folder; `violations(root)` applies it to any tree that has our folder names, and
`without_rule(root)` names the folders that lack a row. It reads syntax only and runs nothing, so a module that cannot
be imported is still checked. An import built from a computed name escapes it; one with a literal name
(`importlib.import_module("chalicelib.adapters.s3")`) does not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Folder of sources → the folder that is on sys.path for it.
SOURCE_ROOTS = {
    "chalicelib": ".",
    "functions": ".",
    "infra": ".",
    "onehost": ".",
    "smtp-gateway/gateway": "smtp-gateway",
    "clients/python/posthorn_client": "clients/python",
}

OURS = (
    "chalicelib",
    "functions",
    "gateway",
    "infra",
    "onehost",
    "posthorn_client",
    "app",
    "tests",
    "bench",
)

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
Nodes = tuple[ast.AST, ...]
CLOCK_CALLS = {"now", "utcnow", "today"}
# What converts domain names, and the one module that may: two conversions are two destinations (ADR 23).
CONVERSIONS = ("idna", "encodings.idna", "stringprep")
CONVERTER = "chalicelib.domain.domain_name"


# A row: a folder, or a module that differs from its folder, and what may be imported there besides the standard library
# and its own folder. A folder does not stand for those below it; a dot in front stands for `chalicelib`, `*` for any
# library, `-` for nothing, not even the folder itself. The row with the longest matching name decides.
TABLE = """
app                     chalice functions

chalicelib              -
.config                 .setting_forms .domain.dns
.setting_forms          -
.bootstrap              .config .ports .adapters .adapters.aws .adapters.scripted .adapters.storage .adapters.system

.domain                 .domain.tenancy .domain.people
.domain.domain_name     idna
.domain.registered_name  publicsuffixlist
.domain.destination_guard  .domain .domain.tenancy .domain.smtp
.domain.mail            .domain
.domain.smtp            .domain
.domain.dns             .domain .domain.tenancy
.domain.outgoing        .domain .domain.tenancy .domain.mail .domain.dns
.domain.incoming        .domain .domain.tenancy .domain.mail .domain.smtp .domain.dns .domain.incoming.cause_rules
                        .domain.events.objects
.domain.incoming.cause_rules .domain
.domain.incoming.reports .domain .domain.mail .domain.incoming
.domain.tracking        .domain .domain.tenancy .domain.mail
.domain.events          .domain .domain.tenancy .domain.dns
.domain.limits          .domain .domain.tenancy
.domain.search          .domain
.domain.webhooks        .domain .domain.tenancy
.domain.postal          .domain .domain.people .domain.tenancy .domain.mail
.domain.tenancy         .domain
.domain.people          .domain .domain.tenancy

.ports                  .domain .domain.people .domain.tenancy .domain.limits .domain.search .domain.webhooks

.services               .config .domain .domain.people .domain.tenancy .ports
.services.checks        .config .domain .domain.tenancy .ports .services .services.pools
.services.queue         .config .domain .domain.tenancy .domain.mail .domain.limits .ports .services.tenancy.directory
                        .services.events.record_operations .services.suppress
.services.outgoing      .config .domain .domain.tenancy .domain.mail .domain.smtp .domain.outgoing .domain.tracking
                        .domain.incoming .domain.limits .ports .services.limits .services.queue
                        .services.tenancy.authenticate .services.tenancy.address_mac .services.tenancy.directory
                        .services.tenancy.system_server .services.events.record_operations .services
.services.incoming      .config .domain .domain.tenancy .domain.mail .domain.smtp .domain.dns .domain.incoming .ports
                        .domain.outgoing .domain.incoming.reports .domain.limits .services .services.limits
                        .services.queue .services.outgoing
                        .services.tenancy
.services.system_mail   .config .domain .domain.people .domain.tenancy .domain.mail .ports .services.outgoing
                        .services.tenancy
.services.notify_members .domain .domain.tenancy .ports .services.rates .services.system_mail
.services.people        .config .domain .domain.mail .domain.people .domain.tenancy .ports .services
                        .services.system_mail .services.tenancy
.services.suppressions  .domain .domain.tenancy .ports .services .services.tenancy
.services.jobs          .config .domain .domain.tenancy .domain.mail .domain.webhooks .ports .services
                        .domain.events .domain.search .services.tenancy .services.webhooks .services.incoming
                        .services.limits .services.messages .services.outgoing .services.queue
                        .services.erasure .services.events.hand_on_later
.services.erasure       .domain .domain.people .domain.tenancy .ports .services.queue.message_actions
                        .services.retention
.services.retention     .domain .domain.tenancy .ports
.services.shown_mail    .domain .services.messages .services.tenancy
.services.suspensions   .domain.tenancy .services.system_mail .services.tenancy
.services.domain_codes  .domain .domain.tenancy .ports .services.system_mail .services.tenancy
.services.tell_domain_events .domain .domain.tenancy .domain.events .ports .services.notify_members .services.tenancy
.services.dns_monitor   .domain .domain.tenancy .domain.dns .ports .services.tell_domain_events .services.tenancy
                        .services.tracking
.services.own_records   .config .domain .domain.tenancy .domain.dns .ports .services.tenancy.directory
.services.messages      .config .domain .domain.tenancy .domain.mail .domain.incoming .domain.outgoing .domain.search
                        .ports .services
.services.events        .config .domain .domain.tenancy .domain.events .domain.limits .domain.search .domain.webhooks
                        .ports .services .services.tenancy .services.webhooks.fan_out .services.reputation
.services.tracking      .config .domain .domain.tenancy .domain.dns .domain.tracking .ports
                        .services.tenancy.address_mac .services.tenancy.directory .services.tenancy.published
.services.limits        .config .domain .domain.tenancy .domain.limits .ports .services .services.queue
                        .services.tenancy.directory .services.reputation
.services.tenancy       .config .domain .domain.tenancy .domain.people .domain.dns .domain.limits .domain.mail
                        .domain.outgoing .ports .services.pools
.services.webhooks      .config .domain .domain.events .domain.tenancy .domain.webhooks .ports .services
                        .services.tenancy
.services.reputation    .config .domain .domain.tenancy .domain.dns .domain.limits .domain.outgoing .ports .services
                        .services.notify_members .services.pools
.services.ask_dns       .domain .domain.incoming .ports
.services.pools         .config .domain .domain.tenancy .domain.dns .domain.incoming .domain.mail .domain.outgoing
                        .ports .services.ask_dns .services.gather

.adapters               -
.adapters.storage       .domain .domain.tenancy .ports
.adapters.crypto        .domain .domain.people .domain.tenancy .ports bcrypt cryptography joserfc webauthn
.adapters.system        .config .ports
.adapters.network       .config .domain .domain.tenancy .domain.dns .domain.smtp .domain.outgoing .domain.incoming
                        .ports h11 python_socks
.adapters.scripted      .domain .domain.tenancy .domain.dns .domain.smtp .ports .adapters.network.name_servers
                        .adapters.network.resolver
                        .adapters.storage.leased_numbers
.adapters.sqlite        .config .domain .domain.people .domain.tenancy .domain.limits .domain.webhooks .domain.search
                        .ports .adapters.storage .adapters.crypto.sealing apsw
.adapters.aws           .config .domain .domain.tenancy .domain.webhooks .ports .adapters.crypto.sealing botocore
.adapters.aws.backends  .config .domain .domain.tenancy .ports .adapters.aws .adapters.aws.dynamo
.adapters.aws.lake      .config .domain .domain.search .domain.tenancy .ports .adapters.aws.session botocore pyarrow
.adapters.aws.dynamo    .config .domain .domain.tenancy .domain.limits .domain.webhooks .ports .adapters.storage
                        .adapters.aws.session .adapters.aws.sqs .adapters.aws.sqs_lanes botocore
                        .adapters.aws.lake.objects

.api                    .config .domain .domain.people .domain.tenancy .services.outgoing .services.people
                        .services.tenancy pydantic_core
.api.v1                 .domain .domain.mail .domain.tenancy .ports .services.limits .services.messages
                        .services.outgoing
                        .services.tenancy .api
.api.v2                 .config .domain .domain.dns .domain.incoming .domain.limits .domain.mail .domain.people
                        .domain.search .domain.tenancy .domain.webhooks .ports .services .services.domain_codes
                        .services.events .services.incoming .services.jobs .services.limits .services.messages
                        .services.outgoing .services.people .services.pools .services.queue .services.retention
                        .services.reputation .services.suppressions .services.suspensions .services.tenancy
                        .services.tracking
                        .services.webhooks .api pydantic pydantic_core
.web                    .config .domain .domain.mail .domain.people .domain.tenancy .ports .services.tenancy
                        .services.shown_mail .api .api.v2 .web.pages jinja2 markupsafe segno
.web.pages              .domain .domain.tenancy .api .web
.cli                    posthorn_client posthorn_client.models .cli.local .cli.submission click
.cli.local              .bootstrap .config .domain .domain.tenancy .ports .services.tenancy .api .api.v2 .cli
                        posthorn_client click
.cli.submission         .domain.mail .cli

functions               .bootstrap .config .domain .domain.tracking .ports .services .services.limits
                        .services.outgoing .services.queue .services.tracking .api .api.v1 .api.v2 .web chalice
functions.incoming      .bootstrap .config .services.incoming chalice functions
functions.webhooks      .bootstrap .config .domain .domain.webhooks .ports .services.webhooks chalice functions
functions.sweep         .bootstrap .domain .ports .services .services.limits .services.queue .services.webhooks
                        chalice functions
functions.upkeep        .bootstrap .services.dns_monitor .services.events .services.people .services.reputation
                        .services.retention .services.tenancy chalice functions
functions.jobs          .bootstrap .config .ports .services.jobs chalice functions
functions.index         .bootstrap .ports .adapters.aws.lake chalice functions
functions.outbox        .bootstrap .services.events .adapters.aws.dynamo.changes chalice functions

gateway                 .bootstrap .config .domain .domain.tenancy .domain.mail .domain.smtp .ports .services.incoming
                        .services.limits
                        .services.outgoing .services.tenancy .services.rates aiosmtpd cryptography uvloop

onehost                 .bootstrap .config .domain .domain.webhooks .ports .services .services.outgoing .services.pools
                        .services.queue .services.webhooks .services.events .adapters.sqlite .api .cli functions
                        gateway onehost.backups onehost.commands onehost.doctor onehost.storage onehost.web click uvloop
onehost.web             .bootstrap .config .domain .domain.dns .domain.tenancy .domain.tracking .ports
                        .services .services.events .services.outgoing .services.queue .services.tenancy.unknown_keys
                        .services.tracking .adapters.sqlite .api .api.v1 .api.v2 .web
                        functions gateway onehost apsw h11 uvicorn
onehost.storage         .bootstrap .cli .config .domain .ports .adapters.sqlite onehost apsw
onehost.backups         .cli .domain .ports .adapters.sqlite onehost onehost.storage
onehost.move            .bootstrap .config .domain .domain.limits .domain.people .domain.tenancy .domain.webhooks
                        .ports .services .services.pools .services.tenancy .adapters.sqlite .cli onehost
                        onehost.storage apsw
onehost.postal          .bootstrap .config .domain .domain.people .domain.tenancy .domain.postal .domain.search
                        .domain.webhooks .ports .services .services.tenancy onehost.move onehost.storage
                        cryptography pymysql yaml
onehost.setup           .bootstrap .config .domain .domain.dns .domain.tenancy .ports .services.tenancy
                        .services.pools
onehost.commands        .bootstrap .config .domain .domain.dns .domain.mail .domain.tenancy .ports
                        .services.own_records .services.pools
                        .services.tenancy .adapters.network .adapters.sqlite .cli gateway onehost onehost.doctor
                        onehost.certificates onehost.setup onehost.storage onehost.move onehost.postal click
                        onehost.backups
onehost.certificates    .domain onehost cryptography
onehost.doctor          .bootstrap .config .domain .domain.tenancy .ports .services .services.own_records
                        .adapters.sqlite gateway onehost onehost.certificates onehost.setup onehost.storage apsw
                        .domain.outgoing .services.pools .services.tracking onehost.backups cryptography

posthorn_client         posthorn_client.operations
posthorn_client.models  posthorn_client.models
posthorn_client.operations  posthorn_client posthorn_client.models

infra                   .bootstrap .config .domain .domain.tenancy .services .services.pools .services.tenancy .api.v2
                        .cli.stack infra.local.plan *
infra.local             .bootstrap .config .domain .domain.people .domain.tenancy .domain.dns .domain.mail
                        .domain.tracking .ports .services.people .services.tenancy .services.tracking .api .api.v2
                        .web gateway.tls gateway.configuration infra onehost onehost.web *
infra.localstack.posthorn_localstack  infra.local *
infra.release           infra
"""
# Why three modules have rows: the tables of `idna` are as pure as the standard library's own, which are of 2003 (ADR
# 23), and so is the list of public suffixes, of which it has none (ADR 50);
# what Lambda hands over of the table's stream is the AWS adapter's to read.

BANNED = {"chalicelib.domain": CLOCK_AND_WORLD, "chalicelib.services": ("socket", "ssl")}
WITHOUT_CLOCK = ("chalicelib.domain", "chalicelib.ports", "chalicelib.services")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the modules at `place` may import. `banned` wins over `allowed`."""

    place: str
    allowed: frozenset[str]
    banned: tuple[str, ...]
    reads_clock: bool


def read_rules(table: str) -> dict[str, Rule]:
    """The rows by place; a line that begins with a space goes on with the row above it."""
    rules = {}
    for row in table.replace("\n ", " ").split("\n"):
        if words := [f"chalicelib{word}" if word[0] == "." else word for word in row.split()]:
            layer = ".".join(words[0].split(".")[:2])
            rules[words[0]] = Rule(
                words[0],
                frozenset(words[words[1] == "-" :]),
                BANNED.get(layer, ()),
                layer not in WITHOUT_CLOCK,
            )
    return rules


RULES = read_rules(TABLE)


def source_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Each module's dotted name and file. Folders that do not exist hold nothing."""
    if (app := root / "app.py").exists():
        yield "app", app
    for folder, path_root in SOURCE_ROOTS.items():
        for file in sorted((root / folder).rglob("*.py")):
            parts = file.relative_to(root / path_root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def folders_of(files: dict[str, Path]) -> set[str]:
    """The folders that hold modules, `app` being alone."""
    return {package_of(module, file) or module for module, file in files.items()}


def without_rule(root: Path) -> list[str]:
    """The folders with modules that have no row of their own."""
    return sorted(folders_of(dict(source_files(root))) - RULES.keys())


def violations(root: Path) -> list[str]:
    """One line for each import or clock reading that goes against the rules, with file and line."""
    files = dict(source_files(root))
    folders = folders_of(files)
    found = []
    for module, file in files.items():
        nodes = nodes_of(file.read_text())
        rule = rule_for(module)
        place = file.relative_to(root)
        for line, target in imports(
            nodes, package_of(module, file), files.keys() | set(rule.banned)
        ):
            folder = target if target in folders else target.rpartition(".")[0]
            if not permits(rule, target, folder) or (
                module != CONVERTER and any(within(target, name) for name in CONVERSIONS)
            ):
                found.append(f"{place}:{line}: {rule.place} must not import {target}")
        found += [
            f"{place}:{line}: {rule.place} must not use the codec of IDNA 2003"
            for line in codec_uses(nodes)
        ]
        if not rule.reads_clock:
            found += [
                f"{place}:{line}: {rule.place} must not read the clock"
                for line in clock_reads(nodes)
            ]
    return found


@cache
def nodes_of(source: str) -> Nodes:
    """A module, and after it every node in it. Each source is read once for all tests."""
    return tuple(ast.walk(ast.parse(source)))


def rule_for(module: str) -> Rule:
    return max(
        (rule for rule in RULES.values() if within(module, rule.place)),
        key=lambda rule: len(rule.place),
    )


def package_of(module: str, file: Path) -> str:
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def permits(rule: Rule, target: str, folder: str) -> bool:
    if any(within(target, package) for package in rule.banned):
        return False
    if target == "chalicelib" or target in rule.allowed or folder in rule.allowed:
        return True
    top = target.partition(".")[0]
    if top in OURS:
        return False
    return top in sys.stdlib_module_names or top in rule.allowed or "*" in rule.allowed


def imports(nodes: Nodes, package: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and target of each import; `from x import y` means `x.y` when that is a module we know."""
    for node in nodes:
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


def codec_uses(nodes: Nodes) -> Iterator[int]:
    """Lines that name Python's codec for domain names, as `encode` and `decode` take it."""
    for node in nodes:
        if isinstance(node, ast.Constant) and str(node.value).lower() == "idna":
            yield node.lineno


def clock_reads(nodes: Nodes) -> Iterator[int]:
    """Lines that call datetime.now(), datetime.utcnow() or date.today(), however datetime was imported."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name in {"datetime", "date"}:
                yield node.lineno
