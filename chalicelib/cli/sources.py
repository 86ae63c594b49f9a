"""`posthorn source`: egress sources, the ways out of a pool. A password is never an argument."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import click

from chalicelib.cli.commands import NOTHING_TO_CHANGE, Group, OneOf, naming, options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, moment, table, visible, yes
from chalicelib.domain.errors import Rejected
from chalicelib.domain.outgoing.retry import parse_schedule
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.services.pools.sources import (
    DEFAULT_POOL,
    FOREVER,
    NO_USER_NAME,
    TLS_MODES,
    WRONG_PORT,
    Sources,
    sends_password_in_clear,
)

PASSWORD_VARIABLE = "POSTHORN_SOURCE_PASSWORD"  # noqa: S105  # the name of the variable


def time(text: str) -> int:
    """A time such as 90s, 30m, 2h or 1d, as seconds. `--help` shows its name."""
    try:
        (wait,) = parse_schedule(text).waits
    except (Rejected, ValueError):
        raise ValueError(f"{text!r} is no time such as 30m, 2h or 1d, up to 7d.") from None
    return wait


def _find(session: Session, name: str, pool: str | None) -> EgressSource:
    return session.call(session.posthorn[Sources].find(name, pool))


name_options = options(
    click.argument("name"),
    click.option("--pool", help="Its pool, when several have one of this name."),
)
named_source = naming(_find, "source", name_options)
# What `add` and `set` share; an option that was left out is None.
way_options = options(
    click.option("--address", help="The local IPv4 address to send from."),
    click.option("--address6", help="The local IPv6 address to send from."),
    click.option("--host", help="The proxy, or the smarthost."),
    click.option("--port", type=int, help="Its port; 1080, 587 or 465 when left out."),
    click.option("--username", help="Its user name; a proxy's is the address when left out."),
    click.option("--tls", type=click.Choice(TLS_MODES), help="With whom it speaks SMTP."),
    click.option("--ehlo", help="The name to introduce oneself with, as the address's PTR."),
    click.option("--priority", type=int, help="Its share: 0 (only without others) to 1000."),
)
source_group = Group(
    "source", "Sources: own addresses, SOCKS5 proxies and smarthosts that a pool's mail leaves by."
)


@source_group.command("add")
@click.argument("name")
@click.option("--pool", default=DEFAULT_POOL, show_default=True, help="Whose mail goes this way.")
@click.option(
    "--kind",
    type=OneOf(EgressKind),
    required=True,
    help="direct: from here; socks5: by a proxy such as the egress role; smarthost: by another server.",
)
@way_options
def add(session: Session, name: str, pool: str, kind: EgressKind, **given: Any) -> None:
    """Add a way out: mail takes it within half a minute.

    The password that goes with a user name comes from POSTHORN_SOURCE_PASSWORD, or is asked for.
    """
    values = {key: value for key, value in given.items() if value is not None}
    if values.get("port") == 0:  # which in a source stands for none given
        raise Rejected(WRONG_PORT)
    if kind is EgressKind.SMARTHOST:
        values.setdefault("tls", "required")
    source = EgressSource(name, pool, kind, **values)
    logs_in = source.username or (kind is EgressKind.SOCKS5 and (source.address or source.address6))
    password = _password() if logs_in else ""
    made = session.call(session.posthorn[Sources].add(source, password))
    _warn(made)
    _show(session, made)


@source_group.command("list")
@click.option("--pool", help="Only this pool's.")
def list_all(session: Session, pool: str | None) -> None:
    """List the sources."""
    sources = session.posthorn[Sources]
    found = session.call(sources.all() if pool is None else sources.of(pool))
    now = session.posthorn[Clock].now()
    rows = [
        (
            each.name,
            each.pool,
            each.kind.value,
            way_of(each),
            str(each.priority),
            state_of(each, now),
        )
        for each in found
    ]
    text = table(rows, ("source", "pool", "kind", "way", "priority", "state"))
    session.show(found, text)


@source_group.command("show")
@named_source
def show(session: Session, source: EgressSource) -> None:
    """Show one source."""
    _show(session, source)


@source_group.command("set")
@name_options
@way_options
@click.option("--password", is_flag=True, help="A new password, from the variable or asked for.")
def change(session: Session, name: str, pool: str | None, password: bool, **given: Any) -> None:
    """Change a source. An empty text clears."""
    values = {key: value for key, value in given.items() if value is not None}
    if not values and not password:
        raise click.UsageError(NOTHING_TO_CHANGE)
    wanted = replace(_find(session, name, pool), **values)
    if password and not wanted.username:
        raise Rejected(NO_USER_NAME)
    secret = _password() if password else ""
    changed = session.call(session.posthorn[Sources].change(wanted, secret))
    _warn(changed)
    _show(session, changed)


@source_group.command("remove")
@named_source
def remove(session: Session, source: EgressSource) -> None:
    """Remove a source. A pool without any sends straight out."""
    session.call(session.posthorn[Sources].remove(source))
    session.show({"removed": source.name}, f"Removed {visible(source.name)} from {source.pool}.")


@source_group.command("suspend")
@named_source
@click.option("--for", "seconds", type=time, help="As 30m, 2h or 1d; until resumed if left out.")
def suspend(session: Session, source: EgressSource, seconds: int | None) -> None:
    """Send nothing from a source for a time: its mail takes the others of the pool, or waits."""
    _show(session, session.call(session.posthorn[Sources].suspend(source, seconds)))


@source_group.command("resume")
@named_source
def resume(session: Session, source: EgressSource) -> None:
    """Send from a suspended source again."""
    _show(session, session.call(session.posthorn[Sources].resume(source)))


def way_of(source: EgressSource) -> str:
    """Where mail goes, in one word or two: `from 192.0.2.1`, `from 10.0.0.5 by 10.0.0.4:1080`."""
    addresses = " ".join(each for each in (source.address, source.address6) if each)
    parts = [f"from {addresses}"] if addresses else []
    if source.host:
        host = f"[{source.host}]" if ":" in source.host else source.host
        parts.append(f"by {host}:{source.port}")
    return " ".join(parts) or "straight out"


def state_of(source: EgressSource, now: float) -> str:
    """`ready`, or until when it is suspended."""
    if source.suspended_until <= now:
        return "ready"
    if source.suspended_until >= FOREVER:
        return "suspended"
    return f"suspended until {moment(source.suspended_until)}"


def _warn(source: EgressSource) -> None:
    """Say on standard error what is allowed and hardly ever meant."""
    if sends_password_in_clear(source):
        text = f"User name and password go to {source.host} in the clear, because TLS is none."
        click.echo(f"posthorn: {visible(text)}", err=True)


def _password() -> str:
    """From the variable, or from the person at the terminal; Rejected when there is neither."""
    if given := os.environ.get(PASSWORD_VARIABLE):
        return given
    if not sys.stdin.isatty():
        raise Rejected(f"A password is needed: set {PASSWORD_VARIABLE}, or run this at a terminal")
    return str(click.prompt("Password", hide_input=True, err=True))


def _show(session: Session, source: EgressSource) -> None:
    pairs = [
        ("Source", source.name),
        ("Pool", source.pool),
        ("Kind", source.kind.value),
        ("Way", way_of(source)),
        ("User name", source.username),
        ("Password", yes(source.sealed_password is not None) if source.username else ""),
        ("TLS", source.tls),
        ("EHLO", source.ehlo or "the installation's"),
        ("Priority", str(source.priority)),
        ("State", state_of(source, session.posthorn[Clock].now())),
    ]
    known = [(name, value) for name, value in pairs if value]
    session.show(source, facts(known))
