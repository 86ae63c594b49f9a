"""`posthorn source`: egress sources, the ways out of a pool. A password is never an argument."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

import click

from chalicelib.cli.commands import NOTHING_TO_CHANGE, Group, fields_of, options
from chalicelib.cli.failure import Failure
from chalicelib.cli.passwords import password_from
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, epoch_of, facts, table, visible, yes
from posthorn_client.models import EgressKind, Source, SourceListing

PASSWORD_VARIABLE = "POSTHORN_SOURCE_PASSWORD"  # noqa: S105  # the name of the variable
DEFAULT_POOL = "default"
FOREVER = "9999"  # the year until which a source is suspended that waits to be resumed
LONGEST = 7 * 86_400  # seconds that a suspension with an end may have
LARGEST_PORT = 65_535
Tls = Literal["opportunistic", "required", "implicit", "none"]
TLS_HELP = (
    "With whom it speaks SMTP: required for a smarthost, opportunistic for others when left out."
)
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME = re.compile(r"([0-9]{1,6})([smhd])")


def time(text: str) -> int:
    """A time such as 90s, 30m, 2h or 1d, as seconds. `--help` shows its name."""
    found = _TIME.fullmatch(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"{text!r} is no time such as 30m, 2h or 1d, up to 7d.")
    return seconds


named_source = options(
    click.argument("name"),
    click.option("--pool", help="Its pool, when several have one of this name."),
)
# What `add` and `set` share; an option that was left out is None.
way_options = options(
    click.option("--address", help="The local IPv4 address to send from."),
    click.option("--address6", help="The local IPv6 address to send from."),
    click.option("--host", help="The proxy, or the smarthost."),
    click.option("--port", type=int, help="Its port; 1080, 587 or 465 when left out."),
    click.option("--username", help="Its user name; a proxy's is the address when left out."),
    click.option("--tls", type=click.Choice(get_args(Tls)), help=TLS_HELP),
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
    type=click.Choice(get_args(EgressKind)),
    required=True,
    help="direct: from here; socks5: by a proxy such as the egress role; smarthost: by another server.",
)
@way_options
def add(session: Session, kind: EgressKind, **given: Any) -> None:
    """Add a way out: mail takes it within half a minute.

    The password that goes with a user name comes from POSTHORN_SOURCE_PASSWORD, or is asked for.
    """
    body = _fields(kind=kind, **given)
    if kind == "smarthost":
        # The API's default is for receivers, whose certificates nobody can vouch for; a smarthost is a chosen server.
        body.setdefault("tls", "required")
    binds = kind == "socks5" and (body.get("address") or body.get("address6"))
    if body.get("username") or binds:
        body["password"] = password_from(PASSWORD_VARIABLE)
    made = session.client.create_source(body)
    _warn(made)
    _show(session, made)


@source_group.command("list")
@click.option("--pool", help="Only this pool's.")
def list_all(session: Session, pool: str | None) -> None:
    """List the sources."""
    found = list(session.client.all_sources(pool=pool))
    now = session.now()
    rows = [
        (
            each["name"],
            each["pool"],
            each["kind"],
            way_of(each),
            str(each["priority"]),
            state_of(each, now),
        )
        for each in found
    ]
    session.show(found, table(rows, ("source", "pool", "kind", "way", "priority", "state")))


@source_group.command("show")
@named_source
def show(session: Session, name: str, pool: str | None) -> None:
    """Show one source."""
    _show(session, session.client.show_source(name, pool=pool))


@source_group.command("set")
@named_source
@way_options
@click.option("--password", is_flag=True, help="A new password, from the variable or asked for.")
def change(session: Session, name: str, pool: str | None, password: bool, **given: Any) -> None:
    """Change a source. An empty text clears."""
    body = _fields(**given)
    if not body and not password:
        raise click.UsageError(NOTHING_TO_CHANGE)
    if password:
        known = session.client.show_source(name, pool=pool)
        if not body.get("username", known["username"]):
            raise Failure("A password goes with a user name, which this source does not have")
        body["password"] = password_from(PASSWORD_VARIABLE)
    changed = session.client.change_source(name, body, pool=pool)
    _warn(changed)
    _show(session, changed)


@source_group.command("remove")
@named_source
def remove(session: Session, name: str, pool: str | None) -> None:
    """Remove a source. A pool without any sends straight out."""
    source = session.client.show_source(name, pool=pool)
    session.client.remove_source(name, pool=source["pool"])
    session.show({"removed": name}, visible(f"Removed {name} from {source['pool']}."))


@source_group.command("suspend")
@named_source
@click.option("--for", "seconds", type=time, help="As 30m, 2h or 1d; until resumed if left out.")
def suspend(session: Session, name: str, pool: str | None, seconds: int | None) -> None:
    """Send nothing from a source for a time: its mail takes the others of the pool, or waits."""
    _show(session, session.client.suspend_source(name, fields_of(seconds=seconds), pool=pool))


@source_group.command("resume")
@named_source
def resume(session: Session, name: str, pool: str | None) -> None:
    """Send from a suspended source again."""
    _show(session, session.client.resume_source(name, pool=pool))


def way_of(source: Source) -> str:
    """Where mail goes, in one word or two: `from 192.0.2.1`, `from 10.0.0.5 by 10.0.0.4:1080`."""
    addresses = " ".join(each for each in (source["address"], source["address6"]) if each)
    parts = [f"from {addresses}"] if addresses else []
    if host := source["host"]:
        parts.append(f"by {f'[{host}]' if ':' in host else host}:{source['port']}")
    return " ".join(parts) or "straight out"


def state_of(source: Source, now: float) -> str:
    """`ready`, and by which family not; or until when it is suspended, or what for."""
    until = source["suspended_until"]
    if until is None or epoch_of(until) <= now:
        if reason := source.get("suspension_reason"):
            return f"suspended: {reason}"
        return ", ".join(["ready", *(f"not by {family}" for family in unused_by(source))])
    if until.startswith(FOREVER):
        return "suspended"
    return f"suspended until {clock_time(until)}"


def unused_by(source: Source) -> dict[str, str]:
    """The families that no mail leaves by, and why."""
    told = {"IPv4": source.get("unused4"), "IPv6": source.get("unused6")}
    return {family: reason for family, reason in told.items() if reason}


def _listing(one: SourceListing) -> str:
    """What a list says of which address, and since when."""
    words = f": {one['text']}" if one["text"] else ""
    return f"{one['address']} since {clock_time(one['since'])}{words}"


def _fields(**given: Any) -> Any:
    """The fields that were given. In the API a port of 0 stands for none given."""
    if given["port"] is not None and not 1 <= given["port"] <= LARGEST_PORT:
        raise Failure(f"The port is 1 to {LARGEST_PORT}")
    return fields_of(**given)


def _warn(source: Source) -> None:
    """Say on standard error what is allowed and hardly ever meant."""
    if source["kind"] == "smarthost" and source["username"] and source["tls"] == "none":
        text = f"User name and password go to {source['host']} in the clear, because TLS is none."
        click.echo(f"posthorn: {visible(text)}", err=True)


def _show(session: Session, source: Source) -> None:
    pairs = [
        ("Source", source["name"]),
        ("Pool", source["pool"]),
        ("Kind", source["kind"]),
        ("Way", way_of(source)),
        ("User name", source["username"] or ""),
        ("Password", yes(source["has_password"]) if source["username"] else ""),
        ("TLS", source["tls"]),
        ("EHLO", source["ehlo"] or "the installation's"),
        ("Priority", str(source["priority"])),
        ("State", state_of(source, session.now())),
        *((f"On {one['list']}", _listing(one)) for one in source.get("listings", ())),
        *((family, f"not used: {reason}") for family, reason in unused_by(source).items()),
    ]
    session.show(source, facts([(name, value) for name, value in pairs if value]))
