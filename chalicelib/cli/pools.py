"""`posthorn pool`: pools, and the ways out that each has."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Group, changes, clear_option
from chalicelib.cli.session import Session
from chalicelib.cli.sources import state_of, way_of
from chalicelib.cli.terminal import facts, table, yes
from posthorn_client.models import Pool

STRAIGHT_OUT = "(none: straight out)"
NOT_DEPLOYED = "(not deployed: takes no mail)"
TITLES = ("pool", "servers", "source", "kind", "way", "state", "default", "alone for")


pool_group = Group("pool", "Pools: each server's mail leaves by the sources of its pool.")


@pool_group.command("list")
def list_all(session: Session) -> None:
    """List the pools with their sources. `server set --pool` moves a server."""
    found = list(session.client.all_pools())
    now = session.now()
    rows = [row for each in found for row in _rows(each, now)]
    session.show(found, table(rows, TITLES))


@pool_group.command("set")
@click.argument("name")
@click.option("--default", is_flag=True, default=None, help="Make it the default pool.")
@click.option(
    "--organizations",
    multiple=True,
    metavar="ORG",
    help="One of those that alone may have it; may be repeated.",
)
@clear_option("organizations")
def change(session: Session, name: str, clear: tuple[str, ...], **given: Any) -> None:
    """Say which pool is the default one, and which organizations may have a pool."""
    pool = session.client.change_pool(name, changes(clear, **given))
    alone = pool["organizations"]
    pairs = [
        ("Pool", pool["name"]),
        ("Default", yes(pool["default"])),
        ("Organizations", "all" if alone is None else ", ".join(alone) or "none"),
        ("Servers", ", ".join(pool["servers"])),
        ("Sources", ", ".join(one["name"] for one in pool["sources"])),
    ]
    session.show(pool, facts([(name, value) for name, value in pairs if value]))


def _rows(pool: Pool, now: float) -> list[tuple[str, ...]]:
    """One line a source; what is the pool's own stands in the first. A pool without a queue has a line before them that
    says so."""
    lines = [
        (each["name"], str(each["kind"]), way_of(each), state_of(each, now))
        for each in pool["sources"]
    ]
    if not pool["has_queue"]:
        lines.insert(0, (NOT_DEPLOYED, "", "", ""))
    first, *rest = lines or [(STRAIGHT_OUT, "", "", "")]
    alone = pool["organizations"]
    given = "" if alone is None else ", ".join(alone) or "nobody"
    head = (
        pool["name"],
        str(len(pool["servers"])),
        *first,
        "yes" if pool["default"] else "",
        given,
    )
    return [head, *(("", "", *line, "", "") for line in rest)]
