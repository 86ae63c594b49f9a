"""Between Chalice's requests and the operations of `chalicelib.api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalice.app import Blueprint, Request, Response

from chalicelib import bootstrap
from chalicelib.api.http import Fallback, HttpAnswer, HttpRequest, Operation
from functions.runtime import UnitOfWork, request_id_of

View = Callable[..., Response]


def on_http(blueprint: Blueprint, unit: str, operation: Operation, failed: Fallback) -> View:
    """A view for `route` that runs an operation of `chalicelib.api`; `failed` answers what nobody foresaw."""

    def view(**path_values: str) -> Response:
        event = blueprint.current_request
        # Chalice hands over `{name}` by itself, and `{name+}` here alone.
        request = _http_request(event, {**(event.uri_params or {}), **path_values})
        program = bootstrap.posthorn()
        answer = bootstrap.run(answer_http(program, unit, operation, failed, request))
        headers: dict[str, str | list[str]] = dict(answer.headers)
        if answer.cookies:
            headers["Set-Cookie"] = list(answer.cookies)
        return Response(answer.body, headers, answer.status)

    return view


async def answer_http(
    program: bootstrap.Posthorn,
    unit: str,
    operation: Operation,
    failed: Fallback,
    request: HttpRequest,
) -> HttpAnswer:
    """The answer of an operation to a request, or that of `failed` when an error escapes it; one log line."""
    request.notes["status"] = 500
    answer: HttpAnswer | None = None
    with UnitOfWork(unit, request.request_id, request.notes, swallow=True, program=program):
        answer = await operation(program, request)
        request.notes["status"] = answer.status
    return answer or failed(request)


def _http_request(event: Request, path_values: Mapping[str, str]) -> HttpRequest:
    """Chalice's request as a value of ours. The client's address is what the gateway saw, not what a header says."""
    query = event.query_params
    return HttpRequest(
        method=event.method,
        path=str(event.context.get("path", event.path)),
        path_values=path_values,
        query={name: query.getlist(name) for name in query} if query else {},
        headers=_headers(event),
        body=event.raw_body if isinstance(event.raw_body, bytes) else event.raw_body.encode(),
        client_address=str(event.context.get("identity", {}).get("sourceIp", "")),
        request_id=str(event.context.get("requestId") or request_id_of(event.lambda_context)),
    )


def _headers(event: Request) -> dict[str, str]:
    """Each field once, the values of one that is there more than once joined by commas (RFC 9110 section 5.3)."""
    found = {name.lower(): value for name, value in event.headers.items()}
    several = event.to_original_event().get("multiValueHeaders") or {}
    for name, values in several.items():
        if len(values) > 1:
            found[name.lower()] = ", ".join(values)
    return found
