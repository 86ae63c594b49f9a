"""One HTTP exchange of the local stack as values, and how a server on one loop asks functions that may take their time.

`Bridge` turns each request into a `Request`, hands it to one function in a thread and writes the `Response` that comes
back. It refuses ambiguous framing and bodies above the limit of API Gateway, and streams nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from onehost.web.answers import in_one_line, send_content
from onehost.web.requests import (
    Body,
    ClientGone,
    Held,
    Receive,
    Refusal,
    Scope,
    Send,
    read_head,
)

LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's request limit
AT_A_TIME = 64
# Fields about one connection, which are not handed on (RFC 9110 §7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
_WITHOUT_BODY = {204, 304}


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the path with the query as sent; header names are lower-case, repeated ones joined by a comma."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` may repeat a name. Content-Length is added."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple)


def json_response(value: object, status: int = 200) -> Response:
    """A value as `application/json` that no browser will take for anything else."""
    headers = (
        ("Content-Type", "application/json"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    )
    return Response(status, json.dumps(value).encode(), headers)


class Bridge:
    """An ASGI application over `answer`, which is called in many threads at a time."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer
        self._threads = ThreadPoolExecutor(AT_A_TIME, "front")
        self._held = Held(AT_A_TIME * LARGEST_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = None
        try:
            head = read_head(scope, ())
            body = Body(receive, head, self._held)
            if (head.size or 0) > LARGEST_BODY:
                raise Refusal("REQUEST_TOO_LARGE", 413)
            content = await body.read(LARGEST_BODY)
            target = b"?".join(filter(None, (scope["raw_path"], scope["query_string"])))
            request = Request(head.method, target.decode("latin-1"), dict(head.headers), content)
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._threads, self._answer, request)
        except ClientGone:
            return
        except Refusal as refusal:
            response = _refused(refusal)
        try:
            await _write(send, response, body)
        finally:
            if body is not None:
                body.let_go()


def _refused(refusal: Refusal) -> Response:
    """That of API Gateway for what is too large, which no gateway response of ours can change."""
    if refusal.status != 413:
        return json_response({"message": "The request cannot be read"}, refusal.status)
    text = f"HTTP content length exceeded {LARGEST_BODY} bytes."
    return Response(413, text.encode(), (("Content-Type", "text; charset=utf-8"),))


async def _write(send: Send, response: Response, body: Body | None) -> None:
    fields = [
        (name.encode("latin-1"), in_one_line(value).encode("latin-1", "replace"))
        for name, value in response.headers
    ]
    if response.status not in _WITHOUT_BODY:
        fields.append((b"Content-Length", str(len(response.body)).encode()))
    await send_content(send, response.status, fields, response.body, body)
