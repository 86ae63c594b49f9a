"""The routes of API v2: the one table from which handlers are registered and the OpenAPI document is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram, Operation
from chalicelib.api.v2 import looking, models, sending
from chalicelib.api.v2.problems import MethodNotAllowed, answer_problem
from chalicelib.domain.errors import MailError

if TYPE_CHECKING:
    from pydantic import BaseModel

PREFIX = "/api/v2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DOCUMENT = f"{PREFIX}/openapi.json"
_SENDING = (400, 401, 403, 409, 413, 415, 422, 503)
_LOOKING = (401, 403, 404, 503)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `answer` is a model, or a media type for bytes; `errors` are the statuses of its problems."""

    method: str
    path: str
    name: str
    summary: str
    operation: Operation
    status: int
    answer: type[BaseModel] | str
    errors: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
    body_is_list: bool = False
    query: type[BaseModel] | None = None
    idempotent: bool = False
    is_public: bool = False


def _solving(operation: Operation) -> Operation:
    """The operation with its errors answered as problems."""

    async def operate(program: MailProgram, request: HttpRequest) -> HttpAnswer:
        try:
            return await operation(program, request)
        except MailError as error:
            return answer_problem(error, request)

    return operate


async def _document(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    from chalicelib.api.v2.openapi import document_text

    headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
    return HttpAnswer(200, document_text(), headers)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        f"{PREFIX}/emails",
        "sendEmail",
        "Send one message to one or more recipients",
        _solving(sending.send_email),
        202,
        models.AcceptedEmail,
        _SENDING,
        body=models.EmailToSend,
        idempotent=True,
    ),
    Route(
        "POST",
        f"{PREFIX}/emails/batch",
        "sendBatch",
        "Send up to 100 messages, each accepted or rejected by itself",
        _solving(sending.send_batch),
        200,
        models.BatchResults,
        _SENDING,
        body=models.EmailToSend,
        body_is_list=True,
        idempotent=True,
    ),
    Route(
        "GET",
        f"{PREFIX}/emails",
        "listEmails",
        "List messages, newest first",
        _solving(looking.list_emails),
        200,
        models.EmailPage,
        (401, 403, 422, 503),
        query=models.EmailQuery,
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}",
        "showEmail",
        "Show one message and where it stands",
        _solving(looking.show_email),
        200,
        models.Email,
        _LOOKING,
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}/raw",
        "showRawEmail",
        "The bytes of one message as accepted",
        _solving(looking.show_raw),
        200,
        "message/rfc822",
        (*_LOOKING, 406, 413),
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}/deliveries",
        "listDeliveries",
        "The log of one message, oldest first",
        _solving(looking.show_deliveries),
        200,
        models.DeliveryLog,
        _LOOKING,
    ),
    Route(
        "POST",
        f"{PREFIX}/uploads",
        "makeUpload",
        "Get permission to upload a message or attachment that is too large for a request",
        _solving(sending.make_upload),
        201,
        models.Upload,
        (400, 401, 403, 413, 415, 422, 503),
        body=models.UploadToMake,
    ),
    Route(
        "GET",
        DOCUMENT,
        "showOpenApi",
        "This document",
        _solving(_document),
        200,
        "application/json",
        is_public=True,
    ),
)


def other_methods() -> list[tuple[str, tuple[str, ...], Operation]]:
    """(path, methods, operation) of what is answered with 405."""
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        known.setdefault(route.path, set()).add(route.method)
    return [
        (path, tuple(method for method in METHODS if method not in methods), _not_allowed(methods))
        for path, methods in known.items()
    ]


def _not_allowed(methods: set[str]) -> Operation:
    allowed = ", ".join(sorted(methods))

    async def operate(program: MailProgram, request: HttpRequest) -> HttpAnswer:
        error = MethodNotAllowed(f"Only {allowed} can be used here")
        answer = answer_problem(error, request)
        return HttpAnswer(answer.status, answer.body, {**answer.headers, "Allow": allowed})

    return operate
