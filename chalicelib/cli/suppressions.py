"""`posthorn suppression`: who is not written to, and why."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import Group, of_server
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, visible
from posthorn_client.models import Reason, Suppression

suppression_group = Group("suppression", "Suppressions: recipients that are not written to.")


@suppression_group.command("list")
@click.option("--address", help="Only this one.")
@click.option("--reason", type=click.Choice(get_args(Reason)), help="Only these.")
@page_options
@of_server
def list_page(
    session: Session, server: str | None, address: str | None, reason: Any, **paging: Any
) -> None:
    """List who is not written to, newest first."""
    show_pages(
        session,
        lambda limit, cursor: session.client.list_suppressions(
            limit=limit, cursor=cursor, address=address, reason=reason, tenant=server
        ),
        ("address", "reason", "since", "until"),
        _row,
        **paging,
    )


@suppression_group.command("show")
@click.argument("address")
@of_server
def show(session: Session, address: str, server: str | None) -> None:
    """Show why a recipient is not written to."""
    found = session.client.show_suppression(address, tenant=server)
    evidence = found["evidence"]
    pairs = [
        ("Address", visible(found["address"])),
        ("Reason", found["text"]),
        ("Since", clock_time(found["created_at"])),
        ("Until", _until(found)),
        ("Message", str(evidence["email"]) if evidence else ""),
        ("Report", str(evidence["report"] or "") if evidence else ""),
    ]
    session.show(found, facts([(name, value) for name, value in pairs if value]))


def _row(entry: Suppression) -> tuple[str, ...]:
    return (
        visible(entry["address"]),
        entry["reason"],
        clock_time(entry["created_at"]),
        _until(entry),
    )


def _until(entry: Suppression) -> str:
    return "for good" if entry["expires_at"] is None else clock_time(entry["expires_at"])
