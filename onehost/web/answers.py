"""Answers as ASGI takes them: fields that cannot be split, a length on each, bytes at once or a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from chalicelib.api.http import HttpAnswer
from chalicelib.api.v2.gateway_responses import answer_of
from onehost.web.requests import Body, Refusal, Send

Fields = list[tuple[bytes, bytes]]
_WITHOUT_BODY = {204, 304}
# What API Gateway says of an answer that does not say it itself.
_TYPE = "application/json"
_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer of `size` bytes that come in pieces."""

    headers: Mapping[str, str]
    size: int
    pieces: AsyncIterator[bytes]
    status: int = 200


def turned_away(refusal: Refusal, request_id: str) -> HttpAnswer:
    """The same as API Gateway says of what it turns away."""
    answer = answer_of(refusal.kind)
    headers = dict(answer.headers)
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return HttpAnswer(answer.status or refusal.status, answer.body_for(request_id), headers)


def text(status: int, words: str) -> HttpAnswer:
    """Plain text that no browser takes for a page."""
    return HttpAnswer(status, words, _TEXT)


async def write(
    send: Send, answer: HttpAnswer | Streamed, request_id: str, body: Body | None
) -> None:
    """Send an answer. Where some of the request's body was not read, or none can be made out, the connection ends."""
    if isinstance(answer, Streamed):
        headers = _fields(answer, answer.size, request_id)
        await _begin(send, answer.status, headers, body)
        async for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await _end(send, b"", body)
    else:
        content = _octets(answer.body)
        headers = _fields(answer, len(content), request_id)
        await send_content(send, answer.status, headers, content, body)


async def send_content(
    send: Send, status: int, fields: Fields, content: bytes, body: Body | None
) -> None:
    """Send an answer whose fields are complete, as `write` does."""
    await _begin(send, status, fields, body)
    await _end(send, content, body)


async def _begin(send: Send, status: int, fields: Fields, body: Body | None) -> None:
    if body is None or body.is_left:
        fields = [*fields, (b"Connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": fields})


async def _end(send: Send, content: bytes, body: Body | None) -> None:
    if body is not None and body.is_left:
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await body.linger()
        content = b""
    await send({"type": "http.response.body", "body": content})


def _fields(answer: HttpAnswer | Streamed, size: int, request_id: str) -> Fields:
    given = dict(answer.headers)
    if not any(name.lower() == "content-type" for name in given):
        given["Content-Type"] = _TYPE
    if answer.status not in _WITHOUT_BODY:
        given["Content-Length"] = str(size)
    given["x-amzn-RequestId"] = request_id
    cookies = (
        [] if isinstance(answer, Streamed) else [("Set-Cookie", one) for one in answer.cookies]
    )
    return [
        (name.encode("latin-1"), in_one_line(value).encode("latin-1", "replace"))
        for name, value in [*given.items(), *cookies]
    ]


def in_one_line(value: str) -> str:
    """The value of a field, which ends no line."""
    return value.replace("\r", " ").replace("\n", " ").strip()


def _octets(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
