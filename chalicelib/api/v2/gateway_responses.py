"""What API Gateway answers by itself, without asking the function: the one place that has the texts.

Each is a problem (RFC 9457) with the members that every problem of ours has. One answer serves both APIs, so it carries
the members of a version 1 envelope too: clients of Postal take every body for JSON with `data` and `flags`, and ask
`data` for `code` and `message` (contract section 13). `status` stays the number that RFC 9457 wants, which is not
"success". `instance` names the request and not its path: API Gateway would put the client's path into the JSON as it
came. Nothing of a request is repeated; API Gateway's own texts repeat an Authorization header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.api.json_body import render_json
from chalicelib.api.v2.problems import (
    ContentTooLarge,
    LateAnswer,
    MalformedRequest,
    NoAnswer,
    Throttled,
    UnsupportedMediaType,
    as_json,
    headers_of,
    make_problem,
)
from chalicelib.domain.errors import MailError, NotFound, Refused

REQUEST_ID = "$context.requestId"
_INSTANCE = "urn:posthorn:request:"

_NOTHING_HERE = NotFound("There is nothing at this address for this method")
_UNREADABLE = MalformedRequest("The request cannot be read")
_TOO_MANY = Throttled("There are too many requests at a time; send it again later")
_UNKNOWN = "; whether it was done is not known. With the Idempotency-Key of the first time it can be sent again safely"

# By type of gateway response. Our methods want no signature, so one is looked at only where no method is.
TURNED_AWAY: Mapping[str, MailError] = {
    "MISSING_AUTHENTICATION_TOKEN": _NOTHING_HERE,
    "RESOURCE_NOT_FOUND": _NOTHING_HERE,
    "INVALID_SIGNATURE": _NOTHING_HERE,
    "EXPIRED_TOKEN": _NOTHING_HERE,
    "BAD_REQUEST_BODY": _UNREADABLE,
    "BAD_REQUEST_PARAMETERS": _UNREADABLE,
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMediaType("The body is of a type that is not read here"),
    "REQUEST_TOO_LARGE": ContentTooLarge(
        "A request may have 6 MiB; what is larger is uploaded first, see POST /api/v2/uploads"
    ),
    "THROTTLED": _TOO_MANY,
    "QUOTA_EXCEEDED": _TOO_MANY,
    "ACCESS_DENIED": Refused("This client may not use the API"),
    "WAF_FILTERED": Refused("The request was stopped by a filter"),
    "INTEGRATION_FAILURE": NoAnswer(f"The request was not answered{_UNKNOWN}"),
    "INTEGRATION_TIMEOUT": LateAnswer(f"The request was not answered in time{_UNKNOWN}"),
    "API_CONFIGURATION_ERROR": MailError("The request could not be handed on"),
    "DEFAULT_4XX": MalformedRequest(
        "The request cannot be taken as it is: look at its address, method, headers and size;"
        " what has more than 6 MiB is uploaded first, see POST /api/v2/uploads"
    ),
    "DEFAULT_5XX": MailError("The request could not be handed on"),
}
# They stand in for types that have statuses of their own, which must not be changed.
FALLBACKS = frozenset({"DEFAULT_4XX", "DEFAULT_5XX"})
# Where version 1 has a code for the same thing (docs/api-v1.md); others are called by their class.
_V1_CODES: Mapping[type[MailError], str] = {
    ContentTooLarge: "MessageTooLarge",
    Throttled: "TemporaryFailure",
    MailError: "InternalError",
}


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """An answer. Without a `status` API Gateway keeps its own; `body` holds REQUEST_ID where the id goes."""

    status: int | None
    headers: Mapping[str, str]
    body: str

    def body_for(self, request_id: str) -> str:
        """The body with the id of a request in it."""
        return self.body.replace(REQUEST_ID, request_id)


def answer_of(kind: str) -> TurnedAway:
    """The answer for a type of gateway response; KeyError for one that is not known."""
    error = TURNED_AWAY[kind]
    problem = make_problem(error, f"{_INSTANCE}{REQUEST_ID}", REQUEST_ID)
    members = as_json(problem) | _as_version_1(error)
    if kind in FALLBACKS:
        del members["status"]
    status = None if kind in FALLBACKS else problem.status
    return TurnedAway(status, headers_of(problem.status), render_json(members))


def _as_version_1(error: MailError) -> dict[str, object]:
    """What an envelope of version 1 has besides `status`."""
    code = _V1_CODES.get(type(error), type(error).__name__)
    return {"time": 0.0, "flags": {}, "data": {"code": code, "message": error.public}}
