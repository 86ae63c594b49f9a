"""API Gateway in front of the Chalice app: the limits, the events and the errors of a REST API, in this process.

Chalice's own `LocalGateway` builds the events and calls the app. What differs from the cloud: an unknown route is 404
with a JSON body, where API Gateway says 403 "Missing Authentication Token", which helps nobody on a laptop.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalice.config import Config
from chalice.local import ForbiddenError, LocalGateway, LocalGatewayException

from infra.local.http_server import Request, Response, json_response

if TYPE_CHECKING:
    from chalice.app import Chalice

LARGEST_EVENT = 6 * 1024 * 1024  # Lambda's payload limit, both ways
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


class ThreadSafe:
    """Gives each thread its own `current_request` and `lambda_context`, which Chalice keeps on the app object."""

    _threads = threading.local()

    @property
    def current_request(self) -> Any:
        return getattr(self._threads, "request", None)

    @current_request.setter
    def current_request(self, value: Any) -> None:
        self._threads.request = value

    @property
    def lambda_context(self) -> Any:
        return getattr(self._threads, "context", None)

    @lambda_context.setter
    def lambda_context(self, value: Any) -> None:
        self._threads.context = value


class LambdaHttp:
    """Call it with a request; safe from many threads."""

    def __init__(self, app: Chalice, timeout_seconds: int = 29) -> None:
        app.__class__ = type("LocalApp", (ThreadSafe, app.__class__), {})
        self._app = app
        config = Config.create(chalice_app=app, lambda_timeout=timeout_seconds, function_name="api")
        self._gateway = LocalGateway(app, config)

    def __call__(self, request: Request) -> Response:
        if len(request.body) > self._room(request):
            return json_response({"message": "Request Too Long"}, 413)
        answer = self._handle(request, request.method)
        if isinstance(answer, Mapping) and request.method == "HEAD" and answer["statusCode"] == 405:
            answer = self._handle(request, "GET")  # the server leaves the body out
        return answer if isinstance(answer, Response) else _response(answer)

    def _handle(self, request: Request, method: str) -> Mapping[str, Any] | Response:
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        try:
            answer: Mapping[str, Any] = self._gateway.handle_request(
                method, request.target, headers, request.body or None
            )
        except ForbiddenError as refused:
            if b"not authorized" in (refused.body or b""):
                return _refusal(refused)
            return json_response({"message": f"There is nothing at {request.path[:200]}"}, 404)
        except LocalGatewayException as refused:
            return _refusal(refused)
        return answer

    def _room(self, request: Request) -> int:
        """The largest body that still fits a Lambda event; a binary one travels as base64."""
        kind = request.headers.get("content-type", "")
        return LARGEST_EVENT * 3 // 4 if kind in self._app.api.binary_types else LARGEST_EVENT


def _refusal(refused: LocalGatewayException) -> Response:
    headers = tuple((name, str(value)) for name, value in refused.headers.items())
    return Response(
        refused.CODE, refused.body or b"", (("Content-Type", "application/json"), *headers)
    )


def _response(answer: Mapping[str, Any]) -> Response:
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else _octets(body)
    if len(content) > LARGEST_EVENT:
        return json_response({"message": "Internal server error"}, 502)
    headers: list[tuple[str, str]] = []
    for name, value in (answer.get("headers") or {}).items():
        headers.append((name, str(value)))
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Response(int(answer["statusCode"]), content, tuple(headers))


def _octets(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
