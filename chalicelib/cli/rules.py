"""`posthorn rule`: pool rules, by which mail of some authors or for some recipients leaves by another pool."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Group, changes, clear_option, fields_of, of_tenant, options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, table, visible
from posthorn_client.models import PoolRule

rule_options = options(
    click.option(
        "--from",
        "authors",
        multiple=True,
        metavar="ADDRESS|DOMAIN",
        help="An author that it matches; may be repeated.",
    ),
    click.option(
        "--to",
        multiple=True,
        metavar="ADDRESS|DOMAIN",
        help="A recipient that it matches; may be repeated.",
    ),
)
rule_group = Group("rule", "Pool rules: mail that leaves by another pool than its server's.")


@rule_group.command("list")
@of_tenant
def list_all(session: Session, tenant: str | None) -> None:
    """List the pool rules that act, in the order in which they are asked."""
    found = list(session.client.all_pool_rules(tenant=tenant))
    rows = [
        (one["id"], one["scope"], ", ".join(one["from"]), ", ".join(one["to"]), one["pool"])
        for one in found
    ]
    session.show(found, table(rows, ("id", "of", "from", "to", "pool")))


@rule_group.command("add")
@rule_options
@click.option("--pool", required=True, help="The pool by which such mail leaves.")
@of_tenant
def add(session: Session, tenant: str | None, **given: Any) -> None:
    """Add a pool rule. It is asked before the others, for mail that comes from now on."""
    _show(session, session.client.create_pool_rule(_body(fields_of(**given)), tenant=tenant))


@rule_group.command("set")
@click.argument("rule", metavar="ID")
@rule_options
@click.option("--pool", help="The pool by which such mail leaves.")
@clear_option("from", "to")
@of_tenant
def change(
    session: Session, rule: str, clear: tuple[str, ...], tenant: str | None, **given: Any
) -> None:
    """Change a pool rule; its place in the order stays."""
    body = _body(changes(clear, **given))
    _show(session, session.client.change_pool_rule(rule, body, tenant=tenant))


@rule_group.command("remove")
@click.argument("rule", metavar="ID")
@of_tenant
def remove(session: Session, rule: str, tenant: str | None) -> None:
    """Remove a pool rule. Mail that was taken keeps its pool."""
    session.client.delete_pool_rule(rule, tenant=tenant)
    session.show({"removed": rule}, visible(f"Removed {rule}."))


def _body(given: dict[str, Any]) -> Any:
    """The body; `from`, which is no name in Python, as the API calls it."""
    return {"from" if name == "authors" else name: one for name, one in given.items()}


def _show(session: Session, rule: PoolRule) -> None:
    pairs = [
        ("Rule", rule["id"]),
        ("Of", rule["scope"]),
        ("From", ", ".join(rule["from"])),
        ("To", ", ".join(rule["to"])),
        ("Pool", rule["pool"]),
    ]
    session.show(rule, facts([(name, value) for name, value in pairs if value]))
