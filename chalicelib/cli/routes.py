"""`posthorn route`: which mail that comes in for the customers' domains goes where."""

from __future__ import annotations

from typing import Any, TextIO, get_args

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    fields_of,
    of_server,
    options,
)
from chalicelib.cli.endpoints import found_endpoint
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible
from posthorn_client.models import MailRoute, RouteMode, SpamMode

route_options = options(
    click.option("--endpoint", metavar="ID|NAME", help="Where its mail goes, with mode Endpoint."),
    click.option(
        "--also",
        "--additional-endpoints",
        "additional_endpoints",
        multiple=True,
        metavar="ID|NAME",
        help="A further endpoint that gets it too; may be repeated.",
    ),
    click.option("--mode", type=click.Choice(get_args(RouteMode)), help="[default: Endpoint]."),
    click.option("--spam-mode", type=click.Choice(get_args(SpamMode)), help="[default: Mark]."),
    click.option("--priority", type=int, help="0 to 1000, lower is asked first  [default: 100]."),
    click.option(
        "--if",
        "--conditions",
        "conditions",
        multiple=True,
        metavar="FIELD=PATTERN",
        help="What must hold: from, subject or header:Name, and * for any run; may be repeated.",
    ),
)
_RESULTS = {
    "name": "its name does not fit",
    "condition": "its conditions do not hold",
    "chosen": "chosen",
}
route_argument = click.argument("route", metavar="ID|ADDRESS")
route_group = Group("route", "Routes: which mail that comes in for a domain goes where.")


@route_group.command("add")
@click.argument("address", metavar="NAME@DOMAIN")
@route_options
@of_server
def add(session: Session, address: str, server: str | None, **given: Any) -> None:
    """Add a route; * in NAME is any run. For the server's return path NAME is __returnpath__, without a domain."""
    body = _body(session, server, fields_of(**given)) | _named(address)
    _show(session, session.client.create_route(body, tenant=server))


@route_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List a server's routes, in the order of their priority."""
    found = list(session.client.all_routes(tenant=server))
    rows = [
        (
            one["id"],
            str(one["priority"]),
            _address(one),
            one["mode"],
            ", ".join(_endpoints(one)),
            one["spam_mode"],
            _conditions(one),
        )
        for one in found
    ]
    titles = ("id", "priority", "address", "mode", "endpoints", "spam", "if")
    session.show(found, table(rows, titles))


@route_group.command("show")
@route_argument
@of_server
def show(session: Session, route: str, server: str | None) -> None:
    """Show a route."""
    _show(session, session.client.show_route(_id(session, route, server), tenant=server))


@route_group.command("set")
@route_argument
@click.option("--name", help="The local part.")
@click.option("--domain", help="The domain.")
@route_options
@clear_option("mode", "additional_endpoints", "spam_mode", "priority", "conditions")
@of_server
def change(
    session: Session, route: str, server: str | None, clear: tuple[str, ...], **given: Any
) -> None:
    """Change a route. Another mode than Endpoint takes its endpoints away."""
    body = changes(clear, **given)
    known = _id(session, route, server)
    body = _body(session, server, body)
    _show(session, session.client.change_route(known, body, tenant=server))


@route_group.command("match")
@click.option("--to", required=True, help="The recipient of the envelope.")
@click.option("--from", "sender", help="Its sender; none when left out, as reports have.")
@click.option("--subject", help="Its subject.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of its header; may be repeated.",
)
@click.option("--spam-score", type=float, help="What it would be scored.")
@of_server
def match(
    session: Session,
    server: str | None,
    to: str,
    sender: str | None,
    headers: tuple[str, ...],
    **given: Any,
) -> None:
    """Say which route would take a message, and what its sender would be told."""
    body = fields_of(to=to, **given) | fields_of(**{"from": sender})
    if headers:
        body["headers"] = dict(_split(one, "X-Name=value") for one in headers)
    found = session.client.match_routes(body, tenant=server)
    rows = [(one["route"], _RESULTS[one["result"]]) for one in found["steps"]]
    spam = [] if found["spam"] is None else [f"Spam: {found['spam']}"]
    told = [visible(found["reply"]), *spam, *([table(rows, ("route", "result"))] if rows else [])]
    session.show(found, "\n\n".join(told))


@route_group.command("simulate")
@route_argument
@click.option("--from", "sender", required=True, help="Who is said to have sent it.")
@click.option("--subject", help="Its subject.")
@click.option("--text", help="What it says.")
@click.option(
    "--message", type=click.File(encoding="utf-8", errors="replace"), help="A file with all of it."
)
@of_server
def simulate(
    session: Session,
    route: str,
    server: str | None,
    sender: str,
    message: TextIO | None,
    **given: Any,
) -> None:
    """Have a message come in by a route, as if somebody had sent it."""
    body = fields_of(**given) | {"from": sender}
    if message is not None:
        body["raw"] = message.read()
    known = _id(session, route, server)
    made = session.client.simulate_route(known, body, tenant=server)
    rows = [(str(one["id"]), one["to"]) for one in made["emails"]]
    session.show(made, table(rows, ("message", "to")))


@route_group.command("remove")
@route_argument
@of_server
def remove(session: Session, route: str, server: str | None) -> None:
    """Remove a route: its mail is refused, within 30 seconds everywhere."""
    known = _id(session, route, server)
    session.client.delete_route(known, tenant=server)
    session.show({"removed": known}, visible(f"Removed {route}."))


def _id(session: Session, named: str, server: str | None) -> str:
    """The id of a route that is named by it, or by an address that only one has."""
    if "@" not in named:
        return named
    found = [
        one["id"]
        for one in session.client.all_routes(tenant=server)
        if one["address"] == named.lower()
    ]
    if len(found) > 1:
        raise click.UsageError(f"Routes {', '.join(found)} are all for {named}: give one's id.")
    return found[0] if found else named


def _named(address: str) -> dict[str, Any]:
    name, at, domain = address.rpartition("@")
    return {"name": name, "domain": domain} if at else {"name": address}


def _body(session: Session, server: str | None, body: dict[str, Any]) -> Any:
    """The body with endpoints by their ids, and conditions as the API has them."""
    if body.get("endpoint"):
        body["endpoint"] = found_endpoint(session, body["endpoint"], server)["id"]
    if body.get("additional_endpoints"):
        further = (found_endpoint(session, one, server) for one in body["additional_endpoints"])
        body["additional_endpoints"] = [one["id"] for one in further]
    if body.get("conditions"):
        body["conditions"] = [_condition(one) for one in body["conditions"]]
    return body


def _condition(text: str) -> dict[str, str]:
    field, pattern = _split(text, "subject=*invoice*")
    return {"field": field, "matches": pattern}


def _split(text: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"{text!r} has no = as in {example}.")
    return name, value


def _address(one: MailRoute) -> str:
    return one["address"] or one["name"]


def _endpoints(one: MailRoute) -> list[str]:
    return [one["endpoint"], *one["additional_endpoints"]] if one["endpoint"] else []


def _conditions(one: MailRoute) -> str:
    return ", ".join(f"{each['field']}={each['matches']}" for each in one["conditions"])


def _show(session: Session, one: MailRoute) -> None:
    pairs = [
        ("Route", one["id"]),
        ("Address", _address(one)),
        ("Mode", one["mode"]),
        ("Endpoints", ", ".join(_endpoints(one))),
        ("Spam", one["spam_mode"]),
        ("Priority", str(one["priority"])),
        ("If", _conditions(one)),
        ("Forwarding address", one["forwarding_address"] or ""),
        ("Last used", clock_time(one["last_used_at"]) if one["last_used_at"] else "never"),
    ]
    session.show(one, facts([(name, value) for name, value in pairs if value]))
