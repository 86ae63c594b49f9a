"""The routes of API v2 that handlers are registered for one by one: sending, and looking at what was sent.

With the table of `chalicelib.api.v2.management`, which is behind the last of them, they are the OpenAPI document.
"""

from __future__ import annotations

import functools
from typing import Any

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram, Operation
from chalicelib.api.json_body import render_json
from chalicelib.api.v2 import (
    delivery_models,
    emails,
    key_set,
    models,
    schedule,
    sending,
    statistics,
)
from chalicelib.api.v2.objects import JSON_TYPE
from chalicelib.api.v2.operation import operate
from chalicelib.api.v2.problems import MethodNotAllowed, answer_problem
from chalicelib.api.v2.route import PREFIX, Route
from chalicelib.domain.errors import NotFound

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DOCUMENT = f"{PREFIX}/openapi.json"
# API Gateway sends here what no other route takes, a known path with a method that it lacks included. Without this
# route it would look for a signature in the Authorization header, and answer 403.
ELSEWHERE = f"{PREFIX}/{{path+}}"
ELSEWHERE_METHODS = (*METHODS, "HEAD", "OPTIONS")
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}


@functools.cache
def _document_text() -> str:
    # Loaded when it is asked for, because every cold start would pay for it.
    from chalicelib.api.v2.openapi import document

    return render_json(document(every_route()))


async def _document(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """This document."""
    return HttpAnswer(200, _document_text(), JSON_TYPE | _FOR_A_WHILE)


def _route(method: str, path: str, name: str, action: Any, answer: Any, **more: Any) -> Route:
    return Route(method, f"{PREFIX}{path}", name, action, answer, **more)


ROUTES: tuple[Route, ...] = (
    _route(
        "POST",
        "/emails",
        "sendEmail",
        sending.send_email,
        models.AcceptedEmail,
        status=202,
        body=models.EmailToSend,
        scope="emails:send",
        reads_itself=True,
        takes_large_bodies=True,
    ),
    _route(
        "POST",
        "/emails/batch",
        "sendBatch",
        sending.send_batch,
        models.BatchResults,
        body=models.EmailToSend,
        body_is_list=True,
        scope="emails:send",
        reads_itself=True,
        takes_large_bodies=True,
    ),
    _route(
        "POST",
        "/emails/test",
        "sendTest",
        sending.send_test,
        models.AcceptedEmail,
        status=202,
        scope="emails:send",
        sends=True,
        of_people=True,
        rate="test",
    ),
    _route(
        "GET",
        "/emails",
        "listEmails",
        emails.list_emails,
        models.EmailPage,
        query=models.EmailQuery,
        scope="emails:read",
    ),
    _route(
        "GET",
        "/emails/{id}",
        "showEmail",
        emails.show_email,
        models.EmailWithActivity,
        scope="emails:read",
    ),
    _route(
        "PATCH",
        "/emails/{id}",
        "rescheduleEmail",
        schedule.reschedule_email,
        models.Email,
        body=schedule.Reschedule,
        scope="emails:write",
    ),
    _route(
        "GET",
        "/emails/{id}/raw",
        "showRawEmail",
        emails.show_raw,
        "message/rfc822",
        scope="emails:read",
        errors=frozenset({406, 413}),
        elsewhere="The message is too large for an answer, or not in UTF-8. Its bytes can be fetched for five minutes"
        " at the URL in Location by whoever has that URL, without a key. On AWS a request with an Authorization header"
        " is refused there.",
        note="A message in UTF-8 is answered as message/rfc822 whatever Accept says. Another can only be given as"
        " application/octet-stream: 303 unless Accept begins with that type, and 406 without it and `*/*`.",
    ),
    _route(
        "GET",
        "/emails/{id}/deliveries",
        "listDeliveries",
        emails.show_deliveries,
        delivery_models.DeliveryLog,
        scope="emails:read",
    ),
    _route(
        "POST",
        "/uploads",
        "makeUpload",
        sending.make_upload,
        models.Upload,
        status=201,
        body=models.UploadToMake,
        scope="emails:send",
    ),
    _route(
        "GET",
        "/statistics",
        "showStatistics",
        statistics.show_statistics,
        statistics.ServerCounts,
        query=statistics.StatisticsQuery,
        tenant="organization",
        scope="statistics:read",
    ),
    Route("GET", DOCUMENT, "showOpenApi", _document, "application/json", is_public=True),
    key_set.ROUTE,
)


def routes() -> list[tuple[str, str, tuple[str, ...], Operation]]:
    """(name in the log, path, methods, operation) of everything below /api/v2, with what is answered by 405 and 404."""
    known = [
        (f"v2.{one.name}", one.path, (one.method,), functools.partial(operate, one))
        for one in ROUTES
    ]
    wrong = [
        (
            f"v2{path.removeprefix(PREFIX).replace('/', '.')}",
            path,
            tuple(method for method in METHODS if method not in methods),
            _not_allowed(methods),
        )
        for path, methods in _methods_by_path().items()
    ]
    return [*known, *wrong, ("v2.elsewhere", ELSEWHERE, ELSEWHERE_METHODS, elsewhere)]


def _methods_by_path() -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        known.setdefault(route.path, set()).add(route.method)
    return known


def _not_allowed(methods: set[str]) -> Operation:
    allowed = ", ".join(sorted(methods))

    async def operate(program: MailProgram, request: HttpRequest) -> HttpAnswer:
        answer = answer_problem(MethodNotAllowed(f"Only {allowed} can be used here"), request)
        return HttpAnswer(answer.status, answer.body, {**answer.headers, "Allow": allowed})

    return operate


async def elsewhere(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """The answer of a route of `management`; 405 for a path that has other methods, 404 for one that is not there."""
    from chalicelib.api.v2 import management

    # The path may begin with the stage of API Gateway.
    path = request.path[max(request.path.find(PREFIX), 0) :].removesuffix("/")
    if (answer := await management.answer(program, request, path)) is not None:
        return answer
    methods = management.methods_of(path)
    for template, own in _methods_by_path().items():
        if management.pattern_of(template).fullmatch(path):
            methods |= own
    if methods:
        return await _not_allowed(methods)(program, request)
    return answer_problem(NotFound("There is nothing at this address"), request)


def every_route() -> tuple[Route, ...]:
    """All routes, for the document and for tests."""
    from chalicelib.api.v2.management import MANAGEMENT

    return (*ROUTES, *MANAGEMENT)
