"""The reference page of API v2, made from the OpenAPI document that the API itself serves.

What a field means is written where the field is declared, in `chalicelib.api.v2.models`; patterns are left to the
OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.api import browsers
from chalicelib.api.v2.objects import Body
from chalicelib.api.v2.openapi import document
from chalicelib.api.v2.problems import STATUSES
from chalicelib.api.v2.routes import every_route
from chalicelib.domain.errors import InvalidRequest, MailError
from chalicelib.services import idempotency
from chalicelib.services.outgoing import authorise_sender, submit
from chalicelib.services.tenancy import caller

Schema = dict[str, Any]

INTRODUCTION = """\
# API v2

The same as an OpenAPI 3.1 document: `GET /api/v2/openapi.json`. How to begin: [sending.md](../sending.md). Version 1,
for programs written for Postal: [api-v1.md](../api-v1.md).

* Authenticate with a key: `Authorization: Bearer <key>`. A *server key* (a credential of the kind `API`, also taken in
  the header `X-Server-API-Key`) belongs to one server and sees nothing of another. A *management key*
  (`posthorn key create`) belongs to an organization, to some of its servers, or to the installation.
* A management key names the tenant in which a request acts with `Posthorn-Tenant: acme/mail`, or `acme` for an
  organization, where the path does not name it. What a key does not reach is 404, like what is not there.
* [People](../people.md) who have signed in are asked for by a cookie. What they change carries `Posthorn-CSRF`, the
  `csrf_token` of their session. They name a tenant as a management key does, and have there what their role has.
* Each operation needs the [scope](../managing.md#scopes) that it names. Write includes read, `*` is everything within
  the key's reach. A server key has `emails:send`, `emails:read` and `statistics:read` unless it was made with others.
  Nobody gives a key more than they have.
* Beside the path stands what the operation is called, in the OpenAPI document and in [the Python
  client](../python-client.md): `sendEmail` is its method `send_email`.
* Bodies are JSON with `Content-Type: application/json`. A field that is not listed here is an error, not ignored;
  null is the same as leaving a field out.
* Times are RFC 3339 in UTC. A message has an `id`, a number within its server, and a `token`; either names it in a
  path.
* A list answers `{"data": […], "has_more": …, "next_cursor": …}`, newest first. A cursor is good for one list, tenant
  and set of filters; `limit` may change.
* PATCH is a merge patch (RFC 7396): what is absent stays, null is the default, a list replaces the list.
* What was accepted is stored for good before the answer is given.
* With the header `Idempotency-Key` a request may be repeated safely: the same key and body give the first answer again
  for 24 hours, marked with `Idempotent-Replayed: true`.
"""
ERRORS = """\
## Errors

Errors are [`Problem`](#problem) objects of the type `application/problem+json` (RFC 9457). `code` is for programs,
`detail` for people, `request_id` is in our logs; `errors` names the wrong fields of the request, all of them up to 100
(in a batch, 100 of the whole batch and the first of each item). 429 and 503 come with `Retry-After`: repeat the
request, with the same `Idempotency-Key`. 429 answers a key that was not looked at, because too many unknown ones came
from the same address; a right key is looked at when it is sent again. Another method on a path is answered with 405
and `Allow`.

Before fields are looked at, a message is refused that no valid one is like: an object of more than 300 members, a list
of more than 1,000 entries, more than 4,000 of both in all.

A request may have 6 MiB, counted as Lambda gets it: with its header, each quote and backslash as two. What API Gateway
answers by itself – to larger requests, to too many at a time, when there is no answer in time, at addresses that are
not there – is a problem too, with three members more (`time`, `flags`, `data`) for programs written for Postal; its
`instance` names the request, and `status` may be absent. Only above 10 MiB the 413 is a plain text of API Gateway's
own. An address outside `/api/v2` that is not there may be answered with 403 when the request has an `Authorization`
header.

| Status | `code` | Meaning |
|---|---|---|
"""
# The modules whose errors may reach a client; importing them makes their classes known.
TELLING = (authorise_sender, browsers, caller, idempotency, submit)


def render_api() -> str:
    """The page, without its notice."""
    described = document(every_route())
    parts = [INTRODUCTION, _overview()]
    for route in every_route():
        operation = described["paths"][route.path][route.method.lower()]
        parts.append(_operation(f"{route.method} {route.path}", operation))
    parts.append(ERRORS + "\n".join(_error_rows()) + "\n")
    parts.append("## Objects\n")
    for name, schema in described["components"]["schemas"].items():
        parts.append(_object(name, schema))
    return "\n".join(parts)


def _overview() -> str:
    rows = ["| Request | |", "|---|---|"]
    rows += [
        f"| [`{one.method} {one.path}`](#{_anchor(one)}) | {one.summary} |" for one in every_route()
    ]
    return "\n".join(rows) + "\n"


def _anchor(route: Any) -> str:
    title = f"{route.method} {route.path}".lower()
    kept = "".join(letter for letter in title if letter.isalnum() or letter in "_- ")
    return kept.replace(" ", "-")


def _operation(title: str, operation: Schema) -> str:
    lines = [f"## {title}", "", f"`{operation['operationId']}`: {operation['summary']}.", ""]
    if "description" in operation:
        lines += [operation["description"], ""]
    lines += _for_whom(operation)
    if parameters := operation.get("parameters"):
        lines += ["| Parameter | Where | Type | Default | Meaning |", "|---|---|---|---|---|"]
        lines += [_parameter(one) for one in parameters]
        lines.append("")
    if body := operation.get("requestBody"):
        lines += [f"Body: {_kind(body['content']['application/json']['schema'])}.", ""]
    problems = []
    for status, answer in operation["responses"].items():
        if "content" not in answer:
            moved = f"Or: {status} with a URL in `Location`. {answer['description']}"
            lines += [moved if "headers" in answer else f"Answer: {status} without a body.", ""]
            continue
        ((media, content),) = answer["content"].items()
        if media == "application/problem+json":
            problems.append(f"{status} {answer['description'].lower()}")
        else:
            shown = _kind(content["schema"]) if content else f"`{media}`"
            lines += [f"Answer: {status} with {shown}.", ""]
    lines += [f"Errors: {', '.join(problems)}.", ""]
    return "\n".join(lines)


def _for_whom(operation: Schema) -> list[str]:
    if "security" not in operation:
        return []
    return ["For people who have signed in." if operation["security"] else "Needs no key.", ""]


def _parameter(one: Schema) -> str:
    schema = one["schema"]
    meaning = _cell(one.get("description") or schema.get("description", ""))
    return f"| `{one['name']}` | {one['in']} | {_kind(schema)} | {_default(schema)} | {meaning} |"


def _object(name: str, schema: Schema) -> str:
    lines = [f"### {name}", "", schema.get("description", ""), ""]
    if "enum" in schema:
        lines += [f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.", ""]
        return "\n".join(lines)
    sent = name in {model.__name__ for model in Body.__subclasses__()}
    lines.append("| Field | Type | Default | Meaning |" if sent else "| Field | Type | Meaning |")
    lines.append("|---|---|---|---|" if sent else "|---|---|---|")
    for field, own in schema["properties"].items():
        kind = _kind(own).removesuffix(" or null") if sent else _kind(own)
        cells = [f"`{field}`", kind, _cell(own.get("description", ""))]
        is_required = field in schema.get("required", [])
        if sent:
            cells.insert(2, "required" if is_required else _default(own))
        elif not is_required:
            cells[1] += ", may be absent"
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    return "\n".join(lines)


def _kind(schema: Schema) -> str:
    """A schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[`{name}`](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}{_between(schema, 'Items', '')}"
    if "additionalProperties" in schema:
        texts = " of texts" if schema["additionalProperties"] is not True else ""
        return f"object{texts}{_between(schema, 'Properties', '')}"
    if schema["type"] == "string":
        encoding = f" in {schema['contentEncoding']}" if "contentEncoding" in schema else ""
        return f"string{encoding}{_between(schema, 'Length', ' characters')}"
    return str(schema["type"]) + _between(schema, "imum", "")


def _between(schema: Schema, what: str, unit: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if most is None:
        return f", at least {least:,}{unit}" if least is not None else ""
    return f", {least:,} to {most:,}{unit}" if least is not None else f", at most {most:,}{unit}"


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, [], {}) else f"`{default}`"


def _error_rows() -> Iterator[str]:
    """One row for each code that a client may be told, by status."""
    rows = []
    for error in _told():
        status = next(status for kind, status, _ in STATUSES if issubclass(error, kind))
        meaning = error.__doc__ or "" if error is not MailError else "Something broke here."
        rows.append((status, f"| {status} | `{error.code}` | {_cell(meaning)} |"))
    return (row for _, row in sorted(rows))


def _told() -> set[type[MailError]]:
    known = {kind for kind, _, _ in STATUSES} | {InvalidRequest}
    homes = ("chalicelib.api.v2.", *(module.__name__ for module in TELLING))
    return known | {kind for kind in _heirs(MailError) if kind.__module__.startswith(homes)}


def _heirs(kind: type[MailError]) -> Iterator[type[MailError]]:
    for heir in kind.__subclasses__():
        yield heir
        yield from _heirs(heir)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
