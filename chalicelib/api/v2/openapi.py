"""The OpenAPI 3.1 document of API v2, generated from a table of routes and the models that validate requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from chalicelib.api.v2.models import MOST_IN_BATCH
from chalicelib.api.v2.problems import PROBLEM_TYPE, STATUSES, Problem
from chalicelib.api.v2.route import Route
from chalicelib.domain.rates import POLICIES
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE

if TYPE_CHECKING:
    from pydantic import BaseModel

VERSION = "2.0"
_REF = "#/components/schemas/{model}"
_NAMES = {
    "id": "Its id.",
    "name": "Its name.",
    "organization": "The permalink of the organization.",
    "server": "The permalink of the server.",
    "index": "The number of the attachment, as the message's content shows it; the first is 0.",
    "address": "The address that is suppressed, in any case of letters.",
}
"""What an object is named by in a path."""

_TENANTS = {
    "server": "The server, as `acme/mail`, for a management key; a server key brings its own.",
    "organization": "The organization, or one of its servers, for a management key.",
    "either": "The organization; without it, for a key of the installation: the installation.",
}
_INTRODUCTION = (
    "Send mail and see what became of it. Authenticate with an API key as `Authorization: Bearer <key>`. "
    "Errors are problem details (RFC 9457) that name every wrong field. Another method on a path is a 405 with "
    "`Allow`. What API Gateway answers by itself (404, 413, 429, 502, 504 and others, to any operation) is a problem "
    "too, with the members `time`, `flags` and `data` and at times without `status`; only above 10 MiB the 413 is "
    "plain text."
)

_SESSION = (
    "Of a person who has signed in (`POST /sessions`). Requests that change something carry the session's `csrf_token` "
    "in `Posthorn-CSRF`. Where the front is plain HTTP on loopback the cookie is called `posthorn`."
)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document as an object."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Posthorn API", "version": VERSION, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"serverKey": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "serverKey": {"type": "apiKey", "in": "header", "name": "X-Server-API-Key"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-posthorn",
                    "description": _SESSION,
                },
            },
        },
    }


def _schemas(routes: Iterable[Route]) -> dict[str, Any]:
    requests = [(model, "validation") for route in routes if (model := route.body)]
    answers = [
        (model, "serialization")
        for route in routes
        for model in (route.answer, *route.also.values())
        if isinstance(model, type)
    ]
    every: dict[Any, None] = dict.fromkeys([*requests, *answers, (Problem, "serialization")])
    _, schema = models_json_schema(list(every), ref_template=_REF)
    found: dict[str, Any] = schema["$defs"]
    return found


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": {str(status): answer for status, answer in _responses(route)},
    }
    if description := " ".join(_told(route)):
        operation["description"] = description
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.body is not None:
        body = _reference(route.body)
        if route.body_is_list:
            body = {"type": "array", "items": body, "minItems": 1, "maxItems": MOST_IN_BATCH}
        operation["requestBody"] = {"required": route.needs_body, "content": _json(body)}
    if route.is_public:
        operation["security"] = []
    elif route.of_people:
        operation["security"] = [{"session": []}]
    return operation


def _told(route: Route) -> Iterator[str]:
    """What is to be known of an operation besides its summary."""
    if route.note:
        yield route.note
    if route.rate:
        policy = POLICIES[route.rate]
        yield f"At most {policy.quota} times in {policy.seconds:,} seconds for what the path names."
    if scopes := route.scope.split():
        yield f"Needs the scope `{'` and the scope `'.join(scopes)}`."
    if route.installation_scope not in ("", route.scope):
        yield f"Without a tenant, for the installation, it needs `{route.installation_scope}`."
    if route.operators_too:
        yield f"What operators alone set needs `{INSTALLATION_WRITE}`."


def _responses(route: Route) -> Iterator[tuple[int, dict[str, Any]]]:
    yield route.status, _success(route)
    for status, model in route.also.items():
        yield status, _success(replace(route, answer=model))
    if route.elsewhere:
        location = {"schema": {"type": "string", "format": "uri"}, "required": True}
        yield 303, {"description": route.elsewhere, "headers": {"Location": location}}
    titles = {status: title for _, status, title in reversed(STATUSES)}
    content = {PROBLEM_TYPE: {"schema": _reference(Problem)}}
    for status in sorted(_error_statuses(route)):
        yield status, {"description": titles[status], "content": content}


def _success(route: Route) -> dict[str, Any]:
    response: dict[str, Any] = {"description": route.summary}
    if route.answer is None:
        return response
    if isinstance(route.answer, str):
        response["content"] = {route.answer: {}}
    else:
        response["content"] = _json(_reference(route.answer))
    if route.is_idempotent:
        text = {"schema": {"type": "string", "const": "true"}}
        response["headers"] = {
            "Idempotent-Replayed": text | {"description": "The first answer, given again."}
        }
    return response


def _error_statuses(route: Route) -> set[int]:
    found = {422, 500, *route.errors}
    if not route.is_public:
        found |= {401, 403, 429, 503}
        if route.tenant != "none":
            found |= {404}
    if "{" in route.path:
        found |= {404}
    if route.body is not None:
        found |= {400, 413, 415}
    if route.is_idempotent or (route.method != "GET" and not route.is_public):
        found |= {409}  # what there is may not allow the change
    return found


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _named_by(route, name),
            "schema": {"type": "string"},
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.query is not None:
        found += _query_parameters(route.query)
    if route.tenant in _TENANTS and not route.is_public:
        found.append(
            {
                "name": "Posthorn-Tenant",
                "in": "header",
                "description": _TENANTS[route.tenant],
                "schema": {"type": "string", "examples": ["acme/mail"]},
            }
        )
    if route.is_idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and body give the first answer again for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            }
        )
    return found


def _named_by(route: Route, name: str) -> str:
    if name == "id" and "/emails/" in route.path:
        return "The number or the token of a message."
    return _NAMES.get(name, f"The {name}.")


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF)
    defined = schema.get("$defs", {})
    found = []
    for name, own in schema["properties"].items():
        described = {"description": own.pop("description")} if "description" in own else {}
        found.append({"name": name, "in": "query", **described, "schema": _inlined(own, defined)})
    return found


def _inlined(schema: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references to other definitions replaced by them."""
    target = schema.get("$ref", "").rpartition("/")[2]
    if target in defined:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**defined[target], **rest}
    if "anyOf" in schema:
        options = [_inlined(option, defined) for option in schema["anyOf"]]
        return {**schema, "anyOf": options}
    return schema


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}
