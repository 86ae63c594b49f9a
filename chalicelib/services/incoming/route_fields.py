"""What a route may be: its name, conditions and mode, and which of them go together (api.md 2.9).

Fields have the names of the contract. Nothing here reads or stores the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.errors import FieldError, InvalidRequest, wrong_field
from chalicelib.domain.incoming.routing import ANY, OF_HEADER
from chalicelib.domain.mail.header_rendering import name_fault
from chalicelib.domain.tenancy.routes import RETURN_PATH, Route, RouteMode

MOST_STARS = 3
MOST_ADDITIONAL = 20
MOST_CONDITIONS = 10
HTTP_ALONE = "Return path routes must point to an HTTP endpoint"
WRONG_NAME = "A name has 1 to 64 of the characters a-z, 0-9, . _ - and *, which stands for any run"
WRONG_FIELD = "A condition asks for from, subject or header:Name"
OF_MODE_ENDPOINT = "is for the mode Endpoint only"
_NAME = re.compile(r"[a-z0-9.*_-]{1,64}")


def checked_route_name(typed: str) -> str:
    """A name in lower case; InvalidRequest for what is none."""
    name = typed.strip().lower()
    if _NAME.fullmatch(name) is None:
        raise wrong_field("name", WRONG_NAME)
    if name.count(ANY) > MOST_STARS:
        raise wrong_field("name", f"A name has at most {MOST_STARS} *")
    return name


def checked_condition_field(field: str) -> str:
    """A field that a condition may ask for; InvalidRequest."""
    name = field.removeprefix(OF_HEADER)
    if field not in ("from", "subject") and (name == field or name_fault(name)):
        raise wrong_field("field", WRONG_FIELD)
    return field


def merged(route: Route, given: Mapping[str, Any]) -> Route:
    """The route with what was given. Another mode than Endpoint takes its endpoints away unless those were given too,
    and a return path its domain."""
    changes = dict(given)
    if "name" in changes:
        changes["name"] = checked_route_name(changes["name"])
    if "domain" in changes:
        domain = changes["domain"] or ""
        changes["domain"] = typed_name(domain) or domain.strip().lower()
    if changes.get("mode", RouteMode.ENDPOINT) is not RouteMode.ENDPOINT:
        changes = {"endpoint": None, "additional_endpoints": (), **changes}
    after = replace(route, **changes)
    if after.is_return_path and "domain" not in given:
        return replace(after, domain="")
    return after


def check_route(route: Route, given: Mapping[str, Any]) -> None:
    """InvalidRequest names what does not go together."""
    if wrong := [
        *_domain_faults(route),
        *_endpoint_faults(route),
        *_return_path_faults(route, given),
    ]:
        raise InvalidRequest(wrong[0].detail, tuple(wrong))


def _domain_faults(route: Route) -> list[FieldError]:
    if route.is_return_path == (not route.domain):
        return []
    if route.is_return_path:
        return [FieldError("/domain", "extra_forbidden", f"{RETURN_PATH} has no domain")]
    return [FieldError("/domain", "missing", "A route needs a domain")]


def _endpoint_faults(route: Route) -> list[FieldError]:
    found: list[FieldError] = []
    if route.mode is not RouteMode.ENDPOINT:
        if route.endpoint is not None:
            found.append(FieldError("/endpoint", "extra_forbidden", OF_MODE_ENDPOINT))
        if route.additional_endpoints:
            found.append(FieldError("/additional_endpoints", "extra_forbidden", OF_MODE_ENDPOINT))
        return found
    if route.endpoint is None:
        if route.is_return_path:
            return [FieldError("/endpoint", "missing", HTTP_ALONE)]
        return [FieldError("/endpoint", "missing", "The mode Endpoint needs an endpoint")]
    known = {route.endpoint}
    for number, one in enumerate(route.additional_endpoints):
        if one in known:
            at = f"/additional_endpoints/{number}"
            found.append(FieldError(at, "repeated", "A route has each endpoint once"))
        known.add(one)
    return found


def _return_path_faults(route: Route, given: Mapping[str, Any]) -> list[FieldError]:
    if not route.is_return_path:
        return []
    found: list[FieldError] = []
    # One whose endpoint was deleted rejects until it is given another.
    if route.mode is not RouteMode.ENDPOINT and given.keys() & {"mode", "endpoint", "name"}:
        found.append(FieldError("/mode", "invalid", HTTP_ALONE))
    if route.conditions:
        found.append(FieldError("/conditions", "invalid", "A return path route has no conditions"))
    return found
