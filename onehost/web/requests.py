"""HTTP requests as ASGI hands them over: the head as values, the body read no further than it may be long.

What can be read in two ways is refused. A body must come at LEAST_RATE after a first half minute, and all bodies that
are held at a time have MOST_HELD.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.api.http import HttpRequest
from gateway.configuration import Network
from onehost.web.client_address import client_address

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_HEAD = 8_000  # request line and fields
MOST_HELD = 128 * 1024 * 1024
PATIENCE_SECONDS = 30
LEAST_RATE = 4_096  # bytes a second
LINGER_SECONDS = 1.0
LINGER_BYTES = 16 * 1024 * 1024
_VERSIONS = {"1.0", "1.1"}


class Refusal(Exception):
    """A request that no operation gets; `kind` is a type of `chalicelib.api.v2.gateway_responses`, `retry_after` in how
    many seconds it may be sent again, where that is another time than there."""

    def __init__(self, kind: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after


class ClientGone(Exception):
    """Nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. `path` and `query` are as sent, `host` is a name in lower case without a port; header
    names are lower-case, repeated ones joined by a comma."""

    method: str
    path: str
    query: str
    host: str
    headers: Mapping[str, str]
    client_address: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def size(self) -> int | None:
        """How long the body says that it is; None where it does not."""
        text = self.headers.get("content-length")
        return None if text is None else int(text)

    @property
    def has_body(self) -> bool:
        """Whether bytes follow."""
        return bool(self.size) or "transfer-encoding" in self.headers

    def with_body(self, body: bytes, values: Mapping[str, str] | None = None) -> HttpRequest:
        """The whole request; `values` are the variable parts of its path."""
        return HttpRequest(
            method=self.method,
            path=self.path,
            path_values=values or {},
            query=parse_qs(self.query, keep_blank_values=True) if self.query else {},
            headers=self.headers,
            body=body,
            client_address=self.client_address,
            request_id=self.request_id,
        )


def read_head(scope: Scope, proxies: Sequence[Network]) -> Head:
    """The head of a request. Refusal when it can be read in two ways."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, host = scope["raw_path"].decode("latin-1"), headers.get("host", "")
    if not path.startswith("/") and "://" in path:
        try:
            absolute = urlsplit(path)
        except ValueError as broken:
            raise Refusal("DEFAULT_4XX", 400) from broken
        path, host = absolute.path or "/", absolute.netloc
    connection = scope["client"][0] if scope.get("client") else ""
    head = Head(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("latin-1"),
        host=name_in(host),
        headers=headers,
        client_address=client_address(connection, headers.get("x-forwarded-for", ""), proxies),
    )
    if scope["http_version"] not in _VERSIONS or _is_ambiguous(scope["http_version"], headers):
        raise Refusal("DEFAULT_4XX", 400)
    return head


def check_size_of(scope: Scope) -> None:
    """Refusal of a head that is longer than the API takes."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    target = len(scope["raw_path"]) + len(scope["query_string"])
    if target > LARGEST_HEAD:
        raise Refusal("DEFAULT_4XX", 414)
    if fields + target > LARGEST_HEAD:
        raise Refusal("DEFAULT_4XX", 431)


def _is_ambiguous(version: str, headers: Mapping[str, str]) -> bool:
    """Whether two readers may take another length for the body (RFC 9112 section 6.3)."""
    return "transfer-encoding" in headers and ("content-length" in headers or version == "1.0")


def name_in(authority: str) -> str:
    """The host name of an authority; empty when it has none, or names a user."""
    try:
        parts = urlsplit(f"//{authority}")
        return "" if "@" in authority else (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


class Held:
    """How many bytes of bodies are held in memory at a time."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Refusal when there is no room for that much more."""
        if size > self._left:
            raise Refusal("THROTTLED", 429)
        self._left -= size

    def give_back(self, size: int) -> None:
        """Of what was taken."""
        self._left += size


class Body:
    """The body of one request, read from its connection as far as somebody asks."""

    def __init__(self, receive: Receive, head: Head, held: Held) -> None:
        self._receive = receive
        self._held = held
        self._taken = 0
        self._is_awaited = head.headers.get("expect", "").lower() == "100-continue"
        self.is_left = head.has_body

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Refusal when they come too slowly, ClientGone when they end early."""
        loop = asyncio.get_running_loop()
        started, read = loop.time(), 0
        while self.is_left:
            self._is_awaited = False
            try:
                async with asyncio.timeout_at(started + PATIENCE_SECONDS + read / LEAST_RATE):
                    message = await self._receive()
            except TimeoutError as slow:
                raise Refusal("DEFAULT_4XX", 408) from slow
            if message["type"] == "http.disconnect":
                self.is_left = False
                raise ClientGone
            self.is_left = bool(message.get("more_body"))
            if piece := message.get("body"):
                read += len(piece)
                yield piece

    async def read(self, limit: int) -> bytes:
        """All of it, held until `let_go`. Refusal as soon as it has more than `limit`, or there is no room."""
        found = bytearray()
        async for piece in self.pieces():
            if len(found) + len(piece) > limit:
                raise Refusal("REQUEST_TOO_LARGE", 413)
            self._held.take(len(piece))
            self._taken += len(piece)
            found += piece
        return bytes(found)

    def let_go(self) -> None:
        """What was read is needed no more."""
        self._held.give_back(self._taken)
        self._taken = 0

    async def linger(self) -> None:
        """Read on a little, so that an answer is not lost to a reset while the client still sends."""
        passed = 0
        if self._is_awaited:
            return
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self.is_left and passed < LINGER_BYTES:
                    message = await self._receive()
                    passed += len(message.get("body", b""))
                    self.is_left = bool(message.get("more_body"))
        except TimeoutError:
            return
