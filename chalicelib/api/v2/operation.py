"""What happens to a request that a route of API v2 takes, in order: let in, read, done once, answered.

Errors of the mail world become problems here; whatever else escapes is for the caller.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.admission import Call, admitted
from chalicelib.api.v2.objects import JSON_TYPE, Body, NoParameters, Other, as_json
from chalicelib.api.v2.problems import answer_problem
from chalicelib.api.v2.rates import count_route
from chalicelib.api.v2.requests import read_idempotency_key, read_json, read_query, validated
from chalicelib.api.v2.route import PREFIX, Route
from chalicelib.domain.errors import InvalidRequest, MailError
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.audit import Acting
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.vault import KeyVault
from chalicelib.services.idempotency import Answer, Idempotency, fingerprint
from chalicelib.services.tenancy.caller import Caller

if TYPE_CHECKING:
    from pydantic import BaseModel


class NoFields(Body):
    """The body of a verb that takes none."""


async def operate(
    route: Route, program: MailProgram, request: HttpRequest, caller: Caller | None = None
) -> HttpAnswer:
    """The answer of a route to a request; `caller` is known already, or shows a key."""
    try:
        if route.is_public:
            read_query(route.query or NoParameters, request)
            public: HttpAnswer = await route.action(program, request)
            return public
        call = await admitted(program, route, request, caller)
    except MailError as error:
        return answer_problem(error, request)
    try:
        with acting(_acting(call)):
            await count_route(call)
            answer = await _answer(route, call)
    except MailError as error:
        answer = answer_problem(error, request)
    if not call.fields:
        return answer
    return HttpAnswer(answer.status, answer.body, {**answer.headers, **call.fields})


def _acting(call: Call) -> Acting:
    """Who does what the audit log will tell of, and how the log calls it: a verb of the path, or by what is done."""
    last = call.route.path.rpartition("/")[2]
    verb = last if "}/" in call.route.path and not last.endswith("}") else None
    return Acting(
        call.caller.actor,
        call.request.client_address,
        call.request.request_id,
        None if call.tenant is None else call.tenant.name,
        verb,
    )


async def _answer(route: Route, call: Call) -> HttpAnswer:
    if route.reads_itself:
        if route.body is None:
            read_query(route.query or NoParameters, call.request)
        found: HttpAnswer = await route.action(call)
        return found
    arguments = _read(route, call)
    if route.before is not None:
        await route.before(call, *arguments)

    if route.method != "POST":
        answer = await route.action(call, *arguments)
        return answer if isinstance(answer, HttpAnswer) else _rendered(route.status, answer)

    async def work() -> Answer:
        done = await route.action(call, *arguments)
        if isinstance(done, Other):
            return Answer(done.status, render_json(as_json(done.value)))
        return Answer(route.status, render_json(as_json(done)))

    return _with_location(route, await once(call, work, shows_secret=route.shows_secret))


def _rendered(status: int, answer: BaseModel | None) -> HttpAnswer:
    if answer is None:
        return HttpAnswer(status, "", {})
    return HttpAnswer(status, render_json(as_json(answer)), JSON_TYPE)


def _read(route: Route, call: Call) -> tuple[Any, ...]:
    """The body or the query as the route's model; parameters that it does not know are wrong."""
    request = call.request
    model = route.body or (NoFields if request.method == "POST" else None)
    value: Any = {}
    if model is not None:
        value = {} if not (route.needs_body or request.body) else read_json(request)
    query = read_query(route.query or NoParameters, request)
    found = () if model is None else (_body(model, value, call),)
    body = found if route.body is not None else ()
    return body if route.query is None else (*body, query)


def _body(model: type[BaseModel], value: Any, call: Call) -> BaseModel:
    """The body as its model. A request that is repeated may have an end that was to come at first, so that an end that
    has passed is looked for only when something else is wrong, to be named with it."""
    try:
        return validated(model, value)
    except InvalidRequest:
        return validated(model, value, now=call.program[Clock].now())


def _with_location(route: Route, answer: HttpAnswer) -> HttpAnswer:
    if not route.location or answer.status in route.also:
        return answer
    made = {name: quote(str(one), safe="/") for name, one in json.loads(answer.body).items()}
    place = f"{PREFIX}{route.location.format(**made)}"
    return HttpAnswer(answer.status, answer.body, {**answer.headers, "Location": place})


async def once(
    call: Call, work: Callable[[], Awaitable[Answer]], *, shows_secret: bool = False
) -> HttpAnswer:
    """The answer of `work`, or the first answer when the request carries a key that was used for it (api.md 1.4).

    One that shows a secret is kept sealed, and given again to the same credential alone.
    """
    request = call.request
    key = read_idempotency_key(request)
    if key is None:
        answer = await work()
        return HttpAnswer(answer.status, answer.body, JSON_TYPE)

    async def sealed() -> Answer:
        answer = await work()
        octets = await call.program[KeyVault].seal(answer.body.encode(), _context(call))
        return replace(answer, body=base64.b64encode(octets).decode())

    # Whoever may less than the first caller is not given what that was.
    caller = call.caller
    may = sorted(caller.scopes), caller.servers, caller.reads_content
    rights = (*may, sorted(request.query.items()))
    asked = repr((call.route.name, sorted(request.path_values.items()), *rights))
    parts = [asked.encode("utf-8", "replace"), request.body]
    if shows_secret:
        parts.append(call.caller.key.id.encode())
    first = await call.program[Idempotency].answer(
        _owner(call), _key_of(call, key), fingerprint(*parts), sealed if shows_secret else work
    )
    body = await _opened(call, first.body) if shows_secret else first.body
    replayed = {"Idempotent-Replayed": "true"} if first.replayed else {}
    return HttpAnswer(first.status, body, {**JSON_TYPE, **replayed})


def _owner(call: Call) -> ServerId:
    """Whose the answer is: a server's number, or else an organization's below zero, or (0) the installation."""
    if call.tenant is not None and call.tenant.server is not None:
        return call.tenant.server.id
    if call.tenant is not None:
        return ServerId(-call.tenant.organization_id)
    return ServerId(-(call.caller.organization_id or 0))


def _key_of(call: Call, key: str) -> str:
    """The key as it is kept: where nothing else tells people apart, with whose it is."""
    alone = call.tenant is None and call.caller.person is not None
    return f"{call.caller.key.id} {key}" if alone else key


def _context(call: Call) -> dict[str, str]:
    return {"item": "answer", "credential": call.caller.key.id}


async def _opened(call: Call, body: str) -> str:
    opened = await call.program[KeyVault].open(base64.b64decode(body), _context(call))
    return opened.decode()
