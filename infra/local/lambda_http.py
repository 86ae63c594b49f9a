"""API Gateway in front of the Chalice app: the routing, the limits, the events and the errors of a REST API.

Chalice's own `LocalGateway` builds the events and calls the app, in this process. What API Gateway answers by itself
has the same bodies as in the cloud (`chalicelib.api.v2.gateway_responses`). It plays neither throttling nor the time
limit.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from chalice.config import Config
from chalice.local import (
    ForbiddenError,
    LambdaEventConverter,
    LocalGateway,
    LocalGatewayException,
    MatchResult,
    RouteMatcher,
)

from chalicelib.api.v2.gateway_responses import answer_of
from infra.local.exchange import HOP_BY_HOP, Request, Response
from infra.local.function_url import response_of

if TYPE_CHECKING:
    from chalice.app import Chalice

LARGEST_EVENT = 6 * 1024 * 1024  # Lambda's payload limit, both ways
TIMEOUT_SECONDS = 29


class Resources(RouteMatcher):
    """The routes of one method: those of fixed length first, then `{name+}`, which takes any number of segments."""

    def __init__(self, route_urls: list[str]) -> None:
        super().__init__([url for url in route_urls if not url.endswith("+}")])
        greedy = [url for url in route_urls if url.endswith("+}")]
        self._greedy = sorted(greedy, key=len, reverse=True)

    def match_route(self, url: str) -> MatchResult:
        """The route of a URL; ValueError when there is none."""
        try:
            return super().match_route(url)
        except ValueError:
            path, _, query = url.partition("?")
            for route in self._greedy:
                start, _, name = route.rpartition("/")
                if path.startswith(f"{start}/") and len(path) > len(start) + 1:
                    captured = {name[1:-2]: path[len(start) + 1 :]}
                    return MatchResult(route, captured, parse_qs(query, keep_blank_values=True))
            raise


class Events(LambdaEventConverter):
    """Makes events as API Gateway does, which routes by path and method together."""

    def __init__(self, app: Chalice) -> None:
        super().__init__(Resources([]), app.api.binary_types)
        urls: dict[str, list[str]] = {}
        for url, methods in app.routes.items():
            for method in methods:
                urls.setdefault(method, []).append(url)
        self._by_method = {
            method: LambdaEventConverter(Resources(found), app.api.binary_types)
            for method, found in urls.items()
        }

    def create_lambda_event(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> dict[str, Any]:
        """The event of a request; ValueError when no route takes it."""
        if method not in self._by_method:
            raise ValueError(f"no route takes {method}")
        return self._by_method[method].create_lambda_event(method, path, headers, body)


class LambdaHttp:
    """Call it with a request; safe from many threads if the app is, as that of `functions.api`."""

    def __init__(self, app: Chalice) -> None:
        self._app = app
        config = Config.create(chalice_app=app, lambda_timeout=TIMEOUT_SECONDS, function_name="api")
        self._gateway = LocalGateway(app, config)
        self._gateway.event_converter = Events(app)

    def __call__(self, request: Request) -> Response:
        if len(request.body) > self._room(request):
            return turned_away("REQUEST_TOO_LARGE")
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        try:
            answer: Mapping[str, Any] = self._gateway.handle_request(
                request.method, request.target, headers, request.body or None
            )
        except ForbiddenError as refused:
            is_known = b"not authorized" in (refused.body or b"")
            return turned_away("ACCESS_DENIED" if is_known else "MISSING_AUTHENTICATION_TOKEN")
        except LocalGatewayException as refused:
            return turned_away(
                "DEFAULT_5XX" if refused.CODE >= 500 else "DEFAULT_4XX", refused.CODE
            )
        return _response(answer)

    def _room(self, request: Request) -> int:
        """The largest body that still fits a Lambda event; a binary one travels as base64."""
        kind = request.headers.get("content-type", "")
        return LARGEST_EVENT * 3 // 4 if kind in self._app.api.binary_types else LARGEST_EVENT


def turned_away(kind: str, status: int = 500) -> Response:
    """API Gateway's own answer of a type; `status` for those that keep the status of what went wrong."""
    answer, number = answer_of(kind), str(uuid.uuid4())
    headers = (*answer.headers.items(), ("x-amzn-RequestId", number))
    return Response(answer.status or status, answer.body_for(number).encode(), headers)


def _response(answer: Mapping[str, Any]) -> Response:
    made = response_of(answer)
    if len(made.body) > LARGEST_EVENT:
        return turned_away("INTEGRATION_FAILURE")
    headers = list(made.headers)
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return replace(made, headers=headers)
