"""The HTTP side of one host, as an ASGI application on one event loop: API v1 and v2, tracking, bodies and uploads.

Clients see what they see of the deployed functions: the same operations, and for what reaches none of them the texts of
API Gateway. Whoever serves it bounds connections and heads (`onehost.web.server`); bodies are bounded here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from chalicelib.api.http import HttpAnswer, HttpRequest
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tracking.visit import Visit
from chalicelib.ports.clock import Clock
from functions.function_url import BROKEN, answer_visit
from functions.http_view import answer_http
from functions.runtime import UnitOfWork
from functions.tracking import answer as answer_tracking
from onehost.kept_counts import AnswerCounts
from onehost.options import Options
from onehost.web.answers import Streamed, text, turned_away, write
from onehost.web.blobs import WebBlobs
from onehost.web.request_rate import RequestRate
from onehost.web.requests import (
    Body,
    ClientGone,
    Head,
    Held,
    Receive,
    Refusal,
    Scope,
    Send,
    check_size_of,
    read_head,
)
from onehost.web.routes import WebRoutes
from onehost.web.track_hosts import TrackHosts

First = Callable[[HttpRequest], Awaitable[HttpAnswer | None]]

_API = ("/api/", "/.well-known/")
LOG = logging.getLogger("posthorn.web")
# Lambda's limit of what it hands over; a body in one of these types travels there as base64.
LARGEST_BODY = 6 * 1024 * 1024
BINARY_TYPES = frozenset(
    "application/octet-stream application/x-tar application/zip audio/basic audio/ogg audio/mp4 audio/mpeg audio/wav"
    " audio/webm image/png image/jpg image/jpeg image/gif video/ogg video/mpeg video/webm".split()
)


class Web:
    """The application. `first` is asked before everything else and may have no answer; of tracked requests and of
    uploads it sees no body."""

    def __init__(
        self, program: Posthorn, options: Options | None = None, first: First | None = None
    ) -> None:
        self._program = program
        self._proxies = (options or Options()).http_proxies
        self._first = first
        self._routes = WebRoutes()
        self._blobs = WebBlobs(program)
        self._held = Held()
        self._rate = program[RequestRate]
        self._counts = program[AnswerCounts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            await self._serve(scope, receive, send)
        except ClientGone:
            return
        except Exception:  # the server closes the connection; all that is expected was answered
            self._counts.count(500)
            LOG.exception("answer_broken")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = Head(scope["method"], "", "", "", {}, "")
        body = None
        try:
            head = read_head(scope, self._proxies)
            body = Body(receive, head, self._held)
            answer = await self._answer(scope, head, body)
        except Refusal as refusal:
            answer = turned_away(refusal, head.request_id)
            notes = {"status": answer.status, "outcome": refusal.kind.lower()}
            with UnitOfWork("web", head.request_id, notes, program=self._program):
                pass
        try:
            await write(send, answer, head.request_id, body)
            self._counts.count(answer.status)
        finally:
            if body is not None:
                body.let_go()

    async def _answer(self, scope: Scope, head: Head, body: Body) -> HttpAnswer | Streamed:
        is_blob = self._blobs.has(head)
        is_tracked = not is_blob and await self._program[TrackHosts].are_asked(head.host, head.path)
        if is_blob or is_tracked:
            if self._first and (answer := await self._first(head.with_body(b""))):
                return answer
            return await (self._blobs.answer(head, body) if is_blob else self._visited(head))
        check_size_of(scope)
        return await self._api(head, body)

    async def _api(self, head: Head, body: Body) -> HttpAnswer:
        if head.path.startswith(_API) and not self._rate.admits(
            head.client_address, self._program[Clock].now()
        ):
            raise Refusal("THROTTLED", 429, retry_after=1)
        limit = _room(head)
        if (head.size or 0) > limit:
            raise Refusal("REQUEST_TOO_LARGE", 413)
        found = self._routes.find(head.method, head.path)
        content = await body.read(limit) if found or self._first else b""
        if self._first and (answer := await self._first(head.with_body(content))):
            return answer
        if found is None:
            raise Refusal("MISSING_AUTHENTICATION_TOKEN", 404)
        request = head.with_body(content, found.values)
        route = found.route
        return await answer_http(self._program, route.unit, route.operation, route.failed, request)

    async def _visited(self, head: Head) -> HttpAnswer:
        visit = Visit(head.method, head.path, head.query, head.headers, head.client_address)
        found = await answer_visit(
            self._program, "tracking", answer_tracking, visit, head.request_id
        )
        if found is None:
            return text(500, BROKEN)
        return HttpAnswer(found.status, found.body, found.headers)


def _room(head: Head) -> int:
    """The largest body that fits."""
    is_binary = head.headers.get("content-type", "") in BINARY_TYPES
    return LARGEST_BODY * 3 // 4 if is_binary else LARGEST_BODY
