"""Errors as `application/problem+json` (RFC 9457), and the one table from error to HTTP status.

Every problem has type, title, status, detail, instance, code and request_id; one about a request's fields lists each of
them in `errors` with its JSON pointer. Details are the public texts of the errors: no cause, key or stack trace.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.api.http import RETRY_AFTER, HttpAnswer, HttpRequest
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.quota_fields import fields_of
from chalicelib.domain.errors import (
    Conflict,
    InvalidRequest,
    MailError,
    NotFound,
    OutOfSpace,
    Refused,
    Rejected,
    Taken,
    TemporaryFailure,
    Unauthenticated,
)
from chalicelib.services.limits.at_acceptance import SendLimitExceeded
from chalicelib.services.people.asked import ConfirmationNeeded, SecondFactorRequired
from chalicelib.services.rates import RateExceeded
from chalicelib.services.tenancy.authenticate import NetworkRefused
from chalicelib.services.tenancy.caller import ScopeMissing
from chalicelib.services.tenancy.unknown_keys import TooManyUnknownKeys

PROBLEM_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:posthorn:problem:"
_VERSION_1 = "For programs written for Postal, in what API Gateway answers by itself."


class MalformedRequest(Rejected):
    """The body is no JSON at all."""

    code = "malformed_request"


class UnsupportedMediaType(Rejected):
    """The body is in a type that no endpoint reads."""

    code = "unsupported_media_type"


class ContentTooLarge(Rejected):
    """More bytes than the endpoint can take or give."""

    code = "content_too_large"


class MethodNotAllowed(Rejected):
    """The path exists, the method does not."""

    code = "method_not_allowed"


class NotAcceptable(Rejected):
    """The client does not take the only form in which there is an answer."""

    code = "not_acceptable"


class ConfirmationRequired(Rejected):
    """What is deleted must be named once more."""

    code = "confirmation_required"

    def __init__(self, permalink: str) -> None:
        super().__init__(f"Deleting it needs ?confirm={permalink}")


class Throttled(TemporaryFailure):
    """Too many requests at a time. Nothing was done."""

    code = "throttled"


class NoAnswer(MailError):
    """The function ended without an answer. What it had done by then is not known."""

    code = "no_answer"


class LateAnswer(MailError):
    """The function takes longer than a client is kept waiting. What it does is not known."""

    code = "late_answer"


# The first class that matches decides.
STATUSES: tuple[tuple[type[MailError], int, str], ...] = (
    (MalformedRequest, 400, "Malformed request"),
    (UnsupportedMediaType, 415, "Unsupported media type"),
    (ContentTooLarge, 413, "Content too large"),
    (MethodNotAllowed, 405, "Method not allowed"),
    (NotAcceptable, 406, "Not acceptable"),
    (NetworkRefused, 403, "Refused"),
    (Unauthenticated, 401, "Not authenticated"),
    (Refused, 403, "Refused"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (Rejected, 422, "Invalid request"),
    (Throttled, 429, "Too many requests"),
    (TooManyUnknownKeys, 429, "Too many requests"),
    (RateExceeded, 429, "Too many requests"),
    (SendLimitExceeded, 429, "Send limit reached"),
    (NoAnswer, 502, "No answer"),
    (LateAnswer, 504, "No answer in time"),
    (OutOfSpace, 507, "Insufficient storage"),
    (TemporaryFailure, 503, "Temporarily unavailable"),
    (MailError, 500, "Internal error"),
)


ASKING = (SecondFactorRequired, ConfirmationNeeded)


class FieldProblem(BaseModel):
    """One wrong field."""

    model_config = ConfigDict(from_attributes=True)

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request body or query.")
    code: str
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457). Clients ignore members that they do not know."""

    model_config = ConfigDict(extra="ignore")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = Field(None, description="Every wrong field.")
    scope: str | None = Field(None, description="The first scope that the credential lacks.")
    ticket: str | None = Field(None, description="To be sent with what is asked for.")
    methods: list[str] | None = Field(None, description="By what one can show who one is.")
    challenge: dict[str, Any] | None = Field(
        None, description="WebAuthn request options, for a passkey."
    )
    time: float | None = Field(None, description=_VERSION_1)
    flags: dict[str, str] | None = Field(None, description=_VERSION_1)
    data: dict[str, str] | None = Field(None, description=_VERSION_1)


def problem_of(error: MailError, request: HttpRequest) -> Problem:
    """The problem that a client is told."""
    return make_problem(error, request.path, request.request_id)


def make_problem(error: MailError, instance: str, request_id: str) -> Problem:
    """The problem of an error that came up at `instance`, a URI reference, in the request of this id."""
    status, title = _status_of(error)
    code = ContentTooLarge.code if status == 413 else error.code
    errors = error.errors if isinstance(error, InvalidRequest | Taken) else ()
    return Problem(
        type=TYPE_PREFIX + code,
        title=title,
        status=status,
        detail=error.public,
        instance=instance,
        code=code,
        request_id=request_id,
        scope=error.scope if isinstance(error, ScopeMissing) else None,
        **(_asked(error) if isinstance(error, ASKING) else {}),
        errors=[FieldProblem.model_validate(field) for field in errors] or None,
    )


def _asked(error: SecondFactorRequired | ConfirmationNeeded) -> dict[str, Any]:
    """What is asked of a person, and how it is answered."""
    challenge = None if error.challenge is None else dict(error.challenge)
    return {"ticket": error.ticket, "methods": list(error.methods), "challenge": challenge}


def answer_problem(error: MailError, request: HttpRequest) -> HttpAnswer:
    """The problem as an answer, noted in the log line."""
    problem = problem_of(error, request)
    request.notes["outcome"] = problem.code
    headers = headers_of(problem.status)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, RateExceeded):
        headers.update(fields_of(error.quota))
    return HttpAnswer(problem.status, render_json(as_json(problem)), headers)


def headers_of(status: int) -> dict[str, str]:
    """The header fields of a problem with this status."""
    headers = {"Content-Type": PROBLEM_TYPE}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Posthorn"'
    if status in {429, 503, 507}:
        headers["Retry-After"] = RETRY_AFTER
    return headers


def as_json(problem: Problem) -> dict[str, Any]:
    """The problem as a JSON object; `errors` only where there are any. Who is asked for a factor is told that a passkey
    is none of the ways."""
    asked = {"challenge": problem.challenge} if problem.ticket is not None else {}
    return problem.model_dump(exclude_none=True) | asked


def failed(request: HttpRequest) -> HttpAnswer:
    """The answer to an error that nobody foresaw."""
    return answer_problem(
        MailError("Something went wrong here; nothing is known to be done"), request
    )


def _status_of(error: MailError) -> tuple[int, str]:
    if isinstance(error, Rejected) and error.reply.code == 552:
        return 413, "Content too large"
    return next((status, title) for kind, status, title in STATUSES if isinstance(error, kind))
