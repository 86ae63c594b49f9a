"""Between Lambda's function URLs and what answers visits: events and answers of payload format 2.0.

The address of a caller is what Lambda saw, not what a header says. A body of the request is not looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.tracking.visit import Visit
from chalicelib.services.tracking.answer import Answer
from functions.runtime import UnitOfWork, named, request_id_of

Event = dict[str, Any]
VisitHandler = Callable[[bootstrap.Posthorn, Visit], Coroutine[Any, Any, Answer]]
BROKEN = "Try again later"
_BROKEN = {"statusCode": 500, "headers": {"Content-Type": "text/plain"}, "body": BROKEN}


def on_visit(unit: str, handler: VisitHandler) -> Callable[[Event, Any], Event]:
    """Wrap `async handler(posthorn, visit) -> answer` for a function behind a function URL.

    `unit` is the name under which the module keeps the registered handler. An error that escapes the handler is logged
    and answered with 500.
    """

    def handle(event: Event, context: Any) -> Event:
        program, visit = bootstrap.posthorn(), visit_of(event)
        answer = bootstrap.run(answer_visit(program, unit, handler, visit, request_id_of(context)))
        return rendered(answer) if answer else _BROKEN

    return named(handle, unit, handler)


async def answer_visit(
    program: bootstrap.Posthorn, unit: str, handler: VisitHandler, visit: Visit, request_id: str
) -> Answer | None:
    """The handler's answer to a visit, None when an error escapes it; one log line."""
    notes: dict[str, Any] = {"status": 500}
    answer: Answer | None = None
    with UnitOfWork(unit, request_id, notes, swallow=True, program=program):
        answer = await handler(program, visit)
        notes |= {**answer.notes, "status": answer.status}
    return answer


def visit_of(event: Mapping[str, Any]) -> Visit:
    """The visit that an event tells of; what it lacks is empty."""
    http = (event.get("requestContext") or {}).get("http") or {}
    headers = event.get("headers") or {}
    return Visit(
        method=str(http.get("method") or "GET").upper(),
        path=str(event.get("rawPath") or "/"),
        query=str(event.get("rawQueryString") or ""),
        headers={str(name).lower(): str(value) for name, value in headers.items()},
        source_address=str(http.get("sourceIp") or ""),
    )


def rendered(answer: Answer) -> Event:
    """An answer as Lambda takes it. Every body travels as base64, so that no byte of it is changed on the way."""
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "body": base64.b64encode(answer.body).decode("ascii"),
        "isBase64Encoded": True,
    }
