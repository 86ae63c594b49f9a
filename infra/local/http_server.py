"""A threaded HTTP/1.1 server for loopback: keep-alive without delay, chunked request bodies, honest limits.

Turns each request into a `Request`, hands it to one function and writes the `Response` that comes back. It refuses
ambiguous framing (RFC 9112 §6.3) and bodies above the limit of API Gateway; it speaks no TLS and streams nothing.
"""

from __future__ import annotations

import json
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's request limit
IDLE_SECONDS = 65
LONGEST_LINE = 4096
DRAIN_BYTES = 1 << 20
# Fields about one connection, which are not handed on (RFC 9110 §7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


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


class BadFraming(Exception):
    """The request cannot be read; `response` is the last one on this connection."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = json_response({"message": text}, status)


class TooLarge(BadFraming):
    """The body is above the limit; the response is API Gateway's, which no gateway response of ours can change."""

    def __init__(self) -> None:
        text = f"HTTP content length exceeded {LARGEST_BODY} bytes."
        super().__init__(413, text)
        self.response = Response(413, text.encode(), (("Content-Type", "text; charset=utf-8"),))


def json_response(value: object, status: int = 200) -> Response:
    """A value as `application/json` that no browser will take for anything else."""
    headers = (
        ("Content-Type", "application/json"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    )
    return Response(status, json.dumps(value).encode(), headers)


class Server(ThreadingHTTPServer):
    """Serves `answer` on a loopback port; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS

    def _answer(self) -> None:
        try:
            body = self._read_body()
        except BadFraming as bad:
            self.close_connection = True
            self._write(bad.response)
            self._linger()
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()  # noqa: PLW2901  # HTTP names have no case
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self._write(self.server.answer(Request(self.command, self.path, headers, body)))

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is answered alike, those that nobody knows too: that is how the base class asks for them."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _read_body(self) -> bytes:
        encoding = self.headers.get_all("Transfer-Encoding", [])
        length = self.headers.get_all("Content-Length", [])
        if encoding:
            if length or [value.strip().lower() for value in encoding] != ["chunked"]:
                raise BadFraming(400, "Bad Request: ambiguous body length")
            return self._read_chunks()
        if not length:
            return b""
        if len(length) != 1 or not (length[0].isascii() and length[0].isdigit()):
            raise BadFraming(400, "Bad Request: ambiguous body length")
        if len(length[0]) > 12 or int(length[0]) > LARGEST_BODY:
            raise TooLarge
        body = self.rfile.read(int(length[0]))
        if len(body) != int(length[0]):
            raise BadFraming(400, "Bad Request: the body ended early")
        return body

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > LARGEST_BODY:
                raise TooLarge
            body += self.rfile.read(size)
            if self.rfile.read(2) != b"\r\n":
                raise BadFraming(400, "Bad Request: broken chunk")
        for _ in range(100):  # trailer fields are read and forgotten
            if self.rfile.readline(LONGEST_LINE) in {b"\r\n", b""}:
                return bytes(body)
        raise BadFraming(400, "Bad Request: too many trailer fields")

    def _chunk_size(self) -> int:
        line = self.rfile.readline(LONGEST_LINE)
        text = line.partition(b";")[0].strip()
        digits = b"0123456789abcdefABCDEF"
        if not line.endswith(b"\r\n") or not 0 < len(text) <= 8 or text.strip(digits):
            raise BadFraming(400, "Bad Request: broken chunk")
        return int(text, 16)

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        if response.status not in {204, 304}:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and response.status not in {204, 304}:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _linger(self) -> None:
        """Read on a little, so that the refusal is not lost to a reset while the client still sends."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(1.0)
        for _ in range(DRAIN_BYTES * 16 // 65536):
            if not self.rfile.read1(65536):
                return

    def version_string(self) -> str:
        return "posthorn"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not news; the handlers write their own line."""
