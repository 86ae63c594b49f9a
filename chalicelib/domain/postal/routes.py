"""Routes of Postal as ours, with the tokens of their forwarding addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.postal.rows import Row, id_of, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Found
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told
from chalicelib.domain.tenancy.routes import RETURN_PATH, ROUTES, Route, RouteMode, SpamMode
from chalicelib.domain.tenancy.servers import Server

MOST_ADDITIONAL = 20
LONGEST_NAME = 64
Endpoints = Mapping[tuple[str, int], str]
"""Ids of the endpoints that were brought, by Postal's type and number."""


def route_of(  # what a route is made of
    row: Row,
    additional: Sequence[Row],
    server: Server,
    domains: Mapping[int, str],
    endpoints: Endpoints,
    order: int,
) -> Found:
    """A route; `additional` are its rows of `additional_route_endpoints`, `order` is its number here."""
    name = (text(row, "name") or "").lower()
    domain = "" if name == RETURN_PATH else domains.get(number(row, "domain_id") or 0)
    address = name if name == RETURN_PATH else f"{name}@{domain or '?'}"
    what = f"route {address} of {server.full_name}"
    token = text(row, "token")
    if domain is None or not name or len(name) > LONGEST_NAME or token is None:
        return None, [refused(what, "its domain is not there, or it has no name or token")]
    mode, notes = _mode(row, what)
    endpoint = endpoints.get(_endpoint(row)) if mode is RouteMode.ENDPOINT else None
    if mode is RouteMode.ENDPOINT and endpoint is None:
        mode = RouteMode.REJECT
        notes.append(told(what, "its endpoint is not there: it rejects, as without one"))
    more = _additional(additional, endpoints, endpoint) if mode is RouteMode.ENDPOINT else ()
    if len(more) > MOST_ADDITIONAL:
        notes.append(
            told(what, f"it has {len(more)} additional endpoints, more than {MOST_ADDITIONAL}")
        )
    value = Route(
        id=id_of(row, "routes"),
        server_id=server.id,
        uuid=uuid_of(row, "routes"),
        number=order,
        name=name,
        domain=domain,
        token=token,
        created_at=moment(row, "created_at") or 0,
        mode=mode,
        endpoint=endpoint,
        additional_endpoints=more,
        spam_mode=_spam_mode(row),
    )
    return Wanted("routes", value.uuid, what, ROUTES, value), notes


def _mode(row: Row, what: str) -> tuple[RouteMode, list[Note]]:
    mode = text(row, "mode")
    known = next((one for one in RouteMode if one.value == mode), None)
    if known is not None:
        return known, []
    return RouteMode.REJECT, [told(what, f"its mode {mode} is not known: it rejects")]


def _spam_mode(row: Row) -> SpamMode:
    said = text(row, "spam_mode")
    return next((one for one in SpamMode if one.value == said), SpamMode.MARK)


def _endpoint(row: Row) -> tuple[str, int]:
    return text(row, "endpoint_type") or "", number(row, "endpoint_id") or 0


def _additional(rows: Sequence[Row], endpoints: Endpoints, first: str | None) -> tuple[str, ...]:
    found = (endpoints.get(_endpoint(row)) for row in rows)
    return tuple(dict.fromkeys(one for one in found if one is not None and one != first))
