"""What every v1 action shares: parameters found, the key checked, the envelope around the answer (contract 2.1).

An action is a coroutine that takes a `Call` and its parameters and returns the `data` of a success, or raises `Failure`
or `ParameterFault`. Every application answer is HTTP 200; only malformed JSON (400), a failing dependency (503) and an
unexpected error (500) are not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from chalicelib.api.http import (
    RETRY_AFTER,
    Call,
    HttpAnswer,
    HttpRequest,
    MailProgram,
    Operation,
    principal_of,
)
from chalicelib.api.json_body import fits_an_answer, parse_json, render_json
from chalicelib.domain.errors import (
    InvalidRequest,
    MailError,
    Rejected,
    TemporaryFailure,
    Unauthenticated,
)
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import decode_part, read_parts
from chalicelib.domain.tenancy.scopes import Reach, granted
from chalicelib.ports.clock import Clock
from chalicelib.services.outgoing.authorise_sender import NOT_AUTHORISED, SenderRefused
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.unknown_keys import TooManyUnknownKeys

HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "max-age=0, private, must-revalidate",
    "X-Frame-Options": "sameorigin",
    "X-Content-Type-Options": "nosniff",
}
FORM = "application/x-www-form-urlencoded"
MOST_FORM_FIELDS = 1_000
# What strangers may have parsed: a larger body is not looked at before its key is known.
LARGEST_UNKNOWN = 100_000


class Failure(Rejected):
    """An application error with its code of the contract; `data` is what the client sees."""

    code = "v1_failure"

    def __init__(self, code: str, message: str | None = None, **more: Any) -> None:
        super().__init__(message or code)
        self.data = {**({"message": message} if message else {}), **more, "code": code}


def too_large() -> Failure:
    """What was asked for cannot be in one answer."""
    return Failure(
        "MessageTooLarge", "The message is too large to be shown with all that was asked for"
    )


class ParameterFault(Rejected):
    """A parameter that is missing or cannot be used."""

    code = "v1_parameter_error"


Parameters = Mapping[str, Any]
Action = Callable[[Call, Parameters], Awaitable[Any]]


def operation(action: Action, scope: str) -> Operation:
    """The HTTP operation around an action: parameters, key with this scope, suspension, envelope."""

    async def operate(program: MailProgram, request: HttpRequest) -> HttpAnswer:
        started = program[Clock].monotonic()
        try:
            status, outcome, data = await _call(program, request, action, scope)
        except MailError as error:
            status, outcome, data = _failure(error)
            request.notes["outcome"] = data.get("code", error.code)
        seconds = round(program[Clock].monotonic() - started, 3)
        body = _enveloped(outcome, seconds, data)
        if not fits_an_answer(body):
            data = too_large().data
            request.notes["outcome"] = data["code"]
            body = _enveloped("error", seconds, data)
        later = {"Retry-After": RETRY_AFTER} if status == 503 else {}
        return HttpAnswer(status, body, HEADERS | later)

    return operate


def _enveloped(status: str, seconds: float, data: Any) -> str:
    return render_json({"status": status, "time": seconds, "flags": {}, "data": data})


async def _call(
    program: MailProgram, request: HttpRequest, action: Action, scope: str
) -> tuple[int, str, Any]:
    # A body that is no JSON never reaches the application, so it is said before the key is looked at.
    principal = await _principal(program, request) if len(request.body) > LARGEST_UNKNOWN else None
    try:
        parameters = read_parameters(request)
    except ValueError:
        return 400, "parameter-error", {"message": "The parameters are not valid JSON"}
    principal = principal or await _principal(program, request)
    if scope not in granted(principal.credential.scopes, Reach.SERVER):
        raise Failure("AccessDenied", f"This key lacks the scope {scope}.")
    data = await action(Call(program, principal, request), parameters)
    return 200, "success", data


async def _principal(program: MailProgram, request: HttpRequest) -> Principal:
    key = request.headers.get("x-server-api-key", "").strip()
    if not key:
        raise Failure("AccessDenied", "Must be authenticated as a server.")
    try:
        principal = await principal_of(program, request, key)
    except Unauthenticated as refused:
        raise Failure(
            "InvalidServerAPIKey",
            "The API token provided in X-Server-API-Key was not valid.",
            token=masked(key),
        ) from refused
    except TooManyUnknownKeys as refused:
        # Not InvalidServerAPIKey, because the key may be right: nobody has looked.
        raise Failure("AccessDenied", refused.public) from refused
    if principal.server.is_suspended:
        raise Failure("ServerSuspended")
    return principal


def masked(key: str) -> str:
    """Enough of a key for its owner to recognise it, never enough to use it."""
    return f"{key[:4]}…" if len(key) >= 12 else "…"


def read_parameters(request: HttpRequest) -> Mapping[str, Any]:
    """The parameters of a call; none when they are no JSON object. ValueError for malformed JSON."""
    if request.content_type.lower().startswith("application/json") and request.body.strip():
        parsed = parse_json(request.body)
    else:
        text = _params_field(request)
        parsed = parse_json(text.encode()) if text.strip() else {}
    return parsed if isinstance(parsed, dict) else {}


def _params_field(request: HttpRequest) -> str:
    """The text of the form field or query parameter `params`, empty when there is none."""
    content_type = request.content_type.lower()
    if content_type.startswith(FORM):
        fields = parse_qs(request.body.decode(), errors="strict", max_num_fields=MOST_FORM_FIELDS)
        if "params" in fields:
            return fields["params"][-1]
    elif content_type.startswith("multipart/form-data"):
        found = _multipart_field(request)
        if found is not None:
            return found
    return (request.query.get("params") or [""])[-1]


def _multipart_field(request: HttpRequest) -> str | None:
    """The field `params` of a multipart form (RFC 7578), read with the MIME walk of messages."""
    content_type = request.content_type.encode("ascii", "replace")
    content = b"Content-Type: " + content_type + b"\r\n\r\n" + request.body
    headers = read_headers(content)
    for part in read_parts(content, headers):
        head = content.rfind(b'name="params"', headers.body_at, part.start)
        if head >= 0 and b"\r\n--" not in content[head : part.start]:
            return decode_part(content, part).decode()
    return None


def _failure(error: MailError) -> tuple[int, str, dict[str, Any]]:
    """HTTP status, envelope status and data of an error."""
    if isinstance(error, Failure):
        return 200, "error", error.data
    if isinstance(error, SenderRefused):
        return 200, "error", {"message": NOT_AUTHORISED, "code": "UnauthenticatedFromAddress"}
    if isinstance(error, InvalidRequest) and error.errors:
        return 200, "parameter-error", {"message": error.errors[0].detail}
    if isinstance(error, ParameterFault):
        return 200, "parameter-error", {"message": error.public}
    if isinstance(error, TemporaryFailure):
        return 503, "error", {"message": error.public, "code": "TemporaryFailure"}
    if error.reply.code == 552:
        return 200, "error", {"message": error.public, "code": "MessageTooLarge"}
    return 200, "error", {"message": error.public, "code": "MessageRejected"}


def failed(_: HttpRequest) -> HttpAnswer:
    """The answer to an error that nobody foresaw; HTML, as the contract has it."""
    page = "<!DOCTYPE html><title>Internal error</title><h1>Internal error</h1>"
    return HttpAnswer(500, page, {"Content-Type": "text/html; charset=utf-8"})


async def not_found(_: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer to another path or method."""
    request.notes["outcome"] = "not_found"
    body = _enveloped("error", 0.0, {"code": "NotFound"})
    return HttpAnswer(404, body, HEADERS)
