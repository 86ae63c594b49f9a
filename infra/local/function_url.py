"""The tracking function's URL on the local stack: real events of payload format 2.0, from requests on loopback.

It has the requests for a host that the local zone knows as a track domain, and of those at the stack's own address,
which tracked links of the local stack name, those that `chalicelib.domain.tracking.visit.is_tracked_path` tells.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.exchange import Request, Response, json_response
from infra.local.invocation import Context
from infra.local.plan import HOST

FUNCTION = "tracking"
TIMEOUT_SECONDS = 10.0
LARGEST_BODY = 6 * 1024 * 1024

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]


def call(handler: Handler, request: Request) -> Response:
    """The handler's answer to a request, in this process."""
    if len(request.body) * 4 // 3 > LARGEST_BODY:
        return json_response({"message": "Request Entity Too Large"}, 413)
    return response_of(handler(event_of(request, time.time()), Context(FUNCTION, TIMEOUT_SECONDS)))


def event_of(request: Request, now: float, source: str = HOST) -> dict[str, Any]:
    """What a function URL makes of a request that it got at `now` from `source`."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {**request.headers, "x-forwarded-for": source, "x-forwarded-proto": "http"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": FUNCTION,
            "domainName": f"{FUNCTION}.lambda-url.us-east-1.on.aws",
            "domainPrefix": FUNCTION,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": source,
                "userAgent": request.headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": bool(request.body),
    }
    if request.body:
        event["body"] = base64.b64encode(request.body).decode()
    return event


def response_of(answer: Mapping[str, Any]) -> Response:
    """What a function URL, and the proxy of API Gateway, make of the function's answer."""
    body = answer.get("body") or b""
    if answer.get("isBase64Encoded"):
        body = base64.b64decode(body)
    elif isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    return Response(int(answer["statusCode"]), body, headers)
