"""`posthorn search`: saved searches of a server's mail. What a key saves is shared with all who read that mail."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Group, changes, clear_option, fields_of, of_server
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, table, visible
from posthorn_client.models import SavedSearch

direction_option = click.option(
    "--direction", type=click.Choice(("outgoing", "incoming")), help="Which mail; else both."
)
search_group = Group("search", "Saved searches: what is often looked for, under a name.")


@search_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List the shared searches of a server, newest first."""
    found = list(session.client.all_searches(tenant=server))
    rows = [
        (one["id"], one["name"], one["q"], one["direction"] or "both", one["created_by"])
        for one in found
    ]
    session.show(found, table(rows, ("id", "name", "search", "direction", "by")))


@search_group.command("add")
@click.argument("name")
@click.option("--q", "q", metavar="QUERY", help="The search, as `message list --q` takes it.")
@direction_option
@of_server
def add(session: Session, server: str | None, **given: Any) -> None:
    """Save a search for all who read the server's mail."""
    body = fields_of(**given) | {"shared": True}
    _show(session, session.client.create_search(body, tenant=server))


@search_group.command("set")
@click.argument("search", metavar="ID")
@click.option("--name", help="Another name.")
@click.option("--q", "q", metavar="QUERY", help="Another search.")
@direction_option
@clear_option("q", "direction")
@of_server
def change(
    session: Session, search: str, server: str | None, clear: tuple[str, ...], **given: Any
) -> None:
    """Change a saved search."""
    body = changes(clear, **given)
    _show(session, session.client.change_search(search, body, tenant=server))


@search_group.command("remove")
@click.argument("search", metavar="ID")
@of_server
def remove(session: Session, search: str, server: str | None) -> None:
    """Remove a saved search."""
    session.client.delete_search(search, tenant=server)
    session.show({"removed": search}, visible(f"Removed {search}."))


def _show(session: Session, search: SavedSearch) -> None:
    pairs = [
        ("Search", search["id"]),
        ("Name", search["name"]),
        ("Query", search["q"]),
        ("Direction", search["direction"] or "both"),
        ("Made by", search["created_by"]),
    ]
    session.show(search, facts(pairs))
