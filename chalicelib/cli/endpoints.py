"""`posthorn endpoint`: where routes send mail. A secret is printed once, when it is made; a password is no argument."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import (
    NOTHING_TO_CHANGE,
    Group,
    changes,
    clear_option,
    fields_of,
    of_server,
    options,
)
from chalicelib.cli.failure import Failure
from chalicelib.cli.passwords import password_from
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import Endpoint, PayloadEncoding, PayloadFormat, SslMode

PASSWORD_VARIABLE = "POSTHORN_ENDPOINT_PASSWORD"  # noqa: S105  # the name of the variable
http_options = options(
    click.option(
        "--format",
        type=click.Choice(get_args(PayloadFormat)),
        help="What is posted  [default: v2].",
    ),
    click.option(
        "--encoding",
        type=click.Choice(get_args(PayloadEncoding)),
        help="How; FormData is for Hash and RawMessage  [default: BodyAsJSON].",
    ),
    click.option("--strip-replies/--no-strip-replies", default=None, help="Leave quoted text out."),
    click.option(
        "--include-attachments/--no-include-attachments",
        default=None,
        help="Post attachments too  [default: yes].",
    ),
    click.option("--timeout", type=int, metavar="SECONDS", help="5 to 60  [default: 5]."),
)
smtp_options = options(
    click.option("--port", type=int, help="25, or 465 with TLS, when left out."),
    click.option(
        "--ssl-mode",
        type=click.Choice(get_args(SslMode)),
        help="STARTTLS and TLS are required and verified  [default: Auto].",
    ),
    click.option("--username", help="For AUTH, with STARTTLS or TLS."),
)
endpoint_argument = click.argument("endpoint", metavar="ID|NAME")
endpoint_group = Group(
    "endpoint", "Endpoints: web applications, SMTP servers and addresses that routes send to."
)
add_group = Group("add", "Add an endpoint.")
endpoint_group.add_command(add_group)


@add_group.command("http")
@click.argument("name")
@click.option(
    "--url", required=True, help="Where to post; user:password@ for basic authentication."
)
@http_options
@of_server
def add_http(session: Session, server: str | None, **given: Any) -> None:
    """Add a web application that mail is posted to. Its secret is printed once."""
    _make(session, server, type="http", **given)


@add_group.command("smtp")
@click.argument("name")
@click.option("--hostname", required=True, help="The server: a name or an address.")
@smtp_options
@of_server
def add_smtp(session: Session, server: str | None, **given: Any) -> None:
    """Add an SMTP server that mail is passed to.

    The password that goes with a user name comes from POSTHORN_ENDPOINT_PASSWORD, or is asked for.
    """
    if given["username"]:
        given["password"] = password_from(PASSWORD_VARIABLE)
    _make(session, server, type="smtp", **given)


@add_group.command("address")
@click.argument("address")
@click.option("--name", help="The address itself when left out.")
@of_server
def add_address(session: Session, server: str | None, **given: Any) -> None:
    """Add an address that mail is forwarded to."""
    _make(session, server, type="address", **given)


@endpoint_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List a server's endpoints, newest first."""
    found = list(session.client.all_endpoints(tenant=server))
    rows = [
        (one["id"], one["type"], one["name"], _where(one), str(len(one["routes"])), _state(one))
        for one in found
    ]
    session.show(found, table(rows, ("id", "type", "name", "where", "routes", "state")))


@endpoint_group.command("show")
@endpoint_argument
@of_server
def show(session: Session, endpoint: str, server: str | None) -> None:
    """Show an endpoint."""
    _show(session, found_endpoint(session, endpoint, server))


@endpoint_group.command("set")
@endpoint_argument
@click.option("--name", help="What it is called.")
@click.option("--url", help="http: where to post.")
@http_options
@click.option("--hostname", help="smtp: the server.")
@smtp_options
@click.option("--password", is_flag=True, help="A new password, from the variable or asked for.")
@click.option("--address", help="address: where to forward to.")
@click.option("--enabled/--no-enabled", default=None, help="Whether routes send to it.")
@clear_option(
    "name",
    "format",
    "encoding",
    "strip_replies",
    "include_attachments",
    "timeout",
    "port",
    "ssl_mode",
    "username",
    "password",
)
@of_server
def change(
    session: Session,
    endpoint: str,
    server: str | None,
    password: bool,
    clear: tuple[str, ...],
    **given: Any,
) -> None:
    """Change an endpoint; its type stays."""
    if not (password or clear or fields_of(**given)):
        raise click.UsageError(NOTHING_TO_CHANGE)
    known = found_endpoint(session, endpoint, server)
    if password:
        given["password"] = password_from(PASSWORD_VARIABLE)
    body = changes(clear, **given)
    _show(session, session.client.change_endpoint(known["id"], body, tenant=server))


@endpoint_group.command("enable")
@endpoint_argument
@of_server
def enable(session: Session, endpoint: str, server: str | None) -> None:
    """Have routes send to an endpoint again."""
    known = found_endpoint(session, endpoint, server)
    _show(session, session.client.enable_endpoint(known["id"], tenant=server))


@endpoint_group.command("test")
@endpoint_argument
@of_server
def test(session: Session, endpoint: str, server: str | None) -> int:
    """Post a sample to a web application now. The exit code is 0 only if it answers 2xx."""
    known = found_endpoint(session, endpoint, server)
    said = session.client.test_endpoint(known["id"], tenant=server)
    told = said["error"] or said["response"].strip()
    session.show(said, visible(f"{said['code']} after {said['seconds']} s: {told}"))
    return 0 if 200 <= said["code"] < 300 else 1


@endpoint_group.command("rotate")
@endpoint_argument
@of_server
def rotate(session: Session, endpoint: str, server: str | None) -> None:
    """Give an endpoint a new secret, which is printed once. The old one signs for 24 hours more."""
    known = found_endpoint(session, endpoint, server)
    _show(session, session.client.rotate_endpoint(known["id"], tenant=server))


@endpoint_group.command("remove")
@endpoint_argument
@of_server
def remove(session: Session, endpoint: str, server: str | None) -> None:
    """Remove an endpoint. Routes that send to it reject from then on."""
    known = found_endpoint(session, endpoint, server)
    session.client.delete_endpoint(known["id"], tenant=server)
    session.show({"removed": known["id"]}, visible(f"Removed {known['name']}."))


def found_endpoint(session: Session, named: str, server: str | None) -> Endpoint:
    """The endpoint of this id or name; Failure."""
    known = list(session.client.all_endpoints(tenant=server))
    for field in ("id", "name"):
        for one in known:
            if one[field] == named:
                return one
    raise Failure(f"There is no endpoint {visible(named)} here")


def _make(session: Session, server: str | None, **given: Any) -> None:
    _show(session, session.client.create_endpoint(fields_of(**given), tenant=server))


def _where(one: Endpoint) -> str:
    if one["type"] == "smtp":
        return f"{one['hostname']}:{one['port']}"
    return one["url"] or one["address"] or ""


def _state(one: Endpoint) -> str:
    return "enabled" if one["enabled"] else f"disabled: {one['disabled_reason'] or 'by hand'}"


def _show(session: Session, one: Any) -> None:
    pairs = [
        ("Endpoint", one["id"]),
        ("Name", one["name"]),
        ("Type", one["type"]),
        ("Where", _where(one)),
        ("Format", " as ".join(filter(None, (one["format"], one["encoding"])))),
        ("Time-out", f"{one['timeout']} s" if one["timeout"] else ""),
        ("TLS", one["ssl_mode"] or ""),
        ("User name", one["username"] or ""),
        ("Password", yes(one["has_password"]) if one["username"] else ""),
        ("State", _state(one)),
        ("Routes", ", ".join(one["routes"]) or "none"),
        ("Last used", clock_time(one["last_used_at"]) if one["last_used_at"] else "never"),
        ("Secret", one.get("secret") or ""),
    ]
    session.show(one, facts([(name, value) for name, value in pairs if value]))
