"""The routes of API v2: the one table from which handlers are registered and the OpenAPI document is generated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram, Operation
from chalicelib.api.v2 import emails, models, sending, statistics
from chalicelib.api.v2.problems import MethodNotAllowed, answer_problem
from chalicelib.domain.errors import MailError, NotFound

if TYPE_CHECKING:
    from pydantic import BaseModel

PREFIX = "/api/v2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DOCUMENT = f"{PREFIX}/openapi.json"
# API Gateway sends here what no other route takes, a known path with a method that it lacks included. Without this
# route it would look for a signature in the Authorization header, and answer 403.
ELSEWHERE = f"{PREFIX}/{{path+}}"
ELSEWHERE_METHODS = (*METHODS, "HEAD", "OPTIONS")
_SENDING = (400, 401, 403, 409, 413, 415, 422, 429, 503)
_LOOKING = (401, 403, 404, 429, 503)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `answer` is a model, or a media type for bytes; `errors` are the statuses of its problems.

    `elsewhere` says when the answer is a 303 to another address, `note` what else is to be known.
    """

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
    elsewhere: str = ""
    note: str = ""


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
        _solving(emails.list_emails),
        200,
        models.EmailPage,
        (401, 403, 422, 429, 503),
        query=models.EmailQuery,
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}",
        "showEmail",
        "Show one message and where it stands",
        _solving(emails.show_email),
        200,
        models.EmailWithActivity,
        _LOOKING,
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}/raw",
        "showRawEmail",
        "The bytes of one message as accepted",
        _solving(emails.show_raw),
        200,
        "message/rfc822",
        (*_LOOKING, 406, 413),
        elsewhere="The message is too large for an answer. Its bytes can be fetched for five minutes at the URL in"
        " Location by whoever has that URL, without a key. On AWS a request with an Authorization header is refused"
        " there.",
        note="A message in UTF-8 is answered as message/rfc822 whatever Accept says. Another can only be given as"
        " application/octet-stream: 406 unless Accept has that type or `*/*`.",
    ),
    Route(
        "GET",
        f"{PREFIX}/emails/{{id}}/deliveries",
        "listDeliveries",
        "The log of one message, oldest first",
        _solving(emails.show_deliveries),
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
        (400, 401, 403, 413, 415, 422, 429, 503),
        body=models.UploadToMake,
    ),
    Route(
        "GET",
        f"{PREFIX}/statistics",
        "showStatistics",
        "Count what happened to messages, by minute, hour or day",
        _solving(statistics.show_statistics),
        200,
        statistics.ServerCounts,
        (401, 403, 422, 429, 503),
        query=statistics.StatisticsQuery,
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
    return [
        (path, tuple(method for method in METHODS if method not in methods), _not_allowed(methods))
        for path, methods in _methods_by_path().items()
    ]


def _methods_by_path() -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        known.setdefault(route.path, set()).add(route.method)
    return known


def _not_allowed(methods: set[str]) -> Operation:
    async def operate(program: MailProgram, request: HttpRequest) -> HttpAnswer:
        return _answer_not_allowed(methods, request)

    return operate


def _answer_not_allowed(methods: set[str], request: HttpRequest) -> HttpAnswer:
    allowed = ", ".join(sorted(methods))
    answer = answer_problem(MethodNotAllowed(f"Only {allowed} can be used here"), request)
    return HttpAnswer(answer.status, answer.body, {**answer.headers, "Allow": allowed})


async def elsewhere(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """405 for a path that has other methods, 404 for one that is not there."""
    # The path may begin with the stage of API Gateway.
    path = request.path[max(request.path.find(PREFIX), 0) :]
    for template, methods in _methods_by_path().items():
        if re.fullmatch("[^/]+".join(map(re.escape, re.split(r"{\w+}", template))), path):
            return _answer_not_allowed(methods, request)
    return answer_problem(NotFound("There is nothing at this address"), request)
