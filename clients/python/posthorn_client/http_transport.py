"""Requests over HTTP by the standard library's client: connections that are kept, and limits.

A request ends after `timeout` seconds, connecting and reading included, however slowly bytes come; an answer has at
most `largest_answer` bytes. No proxy of the environment is used and no redirection followed. A connection that has been
idle is used again only for what does no harm twice, since its other end may have gone.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from posthorn_client.errors import AnswerTooLarge, Unreachable
from posthorn_client.transport import Answer, Sent

LONGEST_IDLE = 20.0
CHUNK = 65_536
MIB = 1024 * 1024


class HttpTransport:
    """An API at `url`, such as https://mail.example.com. `context` decides whose certificates are believed."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        largest_answer: int = 64 * MIB,
        context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the address must begin with http:// or https://")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("the address must have no query, fragment, user name or password")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._timeout, self._largest = timeout, largest_answer
        self._context = context
        self._idle: list[tuple[_Line, float]] = []

    def send(self, sent: Sent) -> Answer:
        """The answer; Unreachable, or AnswerTooLarge."""
        deadline = time.monotonic() + self._timeout
        if sent.repeatable and (kept := self._kept()) is not None:
            try:
                return self._exchange(kept, sent, deadline)
            except Unreachable:
                if time.monotonic() >= deadline:
                    raise
        return self._exchange(self._new(deadline), sent, deadline)

    def fetch(self, url: str) -> Answer:
        """What is at another address, which is asked for without a key. Unreachable, or AnswerTooLarge."""
        parts = urlsplit(url)
        if self._secure and parts.scheme != "https":
            raise Unreachable("The API leads from https to an address without it")
        try:
            other = HttpTransport(
                f"{parts.scheme}://{parts.netloc}",
                timeout=self._timeout,
                largest_answer=self._largest,
                context=self._context if parts.hostname == self._host else None,
            )
        except ValueError as wrong:
            raise Unreachable(f"The API leads to an address that is none: {wrong}") from wrong
        with contextlib.closing(other):
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            return other.send(Sent("GET", target or "/", {"Accept": "*/*"}))

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop()[0].timed.end()

    def _kept(self) -> _Line | None:
        """A connection that is not in use. Taking one out of a list is safe among threads."""
        with contextlib.suppress(IndexError):
            while True:
                line, since = self._idle.pop()
                if time.monotonic() - since < LONGEST_IDLE:
                    return line
                line.timed.end()
        return None

    def _new(self, deadline: float) -> _Line:
        """A new connection; Unreachable."""
        if self._secure:
            self._context = self._context or ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=_left(deadline), context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_left(deadline))
        try:
            connection.connect()
        except (OSError, ValueError) as failed:
            connection.close()
            raise self._unreachable(failed) from failed
        timed = _Timed(connection.sock)
        connection.sock = timed  # it has what http.client asks of one
        return _Line(connection, timed)

    def _exchange(self, line: _Line, sent: Sent, deadline: float) -> Answer:
        connection, timed = line.connection, line.timed
        timed.deadline = deadline
        is_kept = False
        try:
            target = self._prefix + sent.target
            connection.request(sent.method, target, sent.body, dict(sent.headers))
            found = connection.getresponse()
            is_kept = not found.will_close
            body = self._body(found)
        except (OSError, http.client.HTTPException) as failed:
            is_kept = False
            raise self._unreachable(failed) from failed
        except BaseException:
            is_kept = False
            raise
        finally:
            if not is_kept:
                timed.end()
        if is_kept:
            self._idle.append((line, time.monotonic()))
        return Answer(found.status, {name.lower(): one for name, one in found.getheaders()}, body)

    def _unreachable(self, failed: Exception) -> Unreachable:
        reason = failed.strerror if isinstance(failed, OSError) else None
        told = reason or str(failed) or type(failed).__name__
        return Unreachable(f"{self.url} cannot be reached: {told}")

    def _body(self, found: http.client.HTTPResponse) -> bytes:
        parts, size = [], 0
        while part := found.read(CHUNK):
            parts.append(part)
            size += len(part)
            if size > self._largest:
                raise AnswerTooLarge(f"The answer has more than {self._largest} bytes")
        if found.length:
            raise http.client.IncompleteRead(b"", found.length)
        return b"".join(parts)


def _left(deadline: float) -> float:
    """Seconds until then; TimeoutError when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("there was no answer in time")
    return left


class _Timed:
    """A connected socket as http.client uses one, each of whose reads and writes has only what is left of the time.

    http.client closes the socket of an answer that is the last before it reads it; so it is the transport that does.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.deadline = 0.0

    def sendall(self, octets: Any) -> None:
        """Send all of it."""
        view = memoryview(octets).cast("B")
        while view:
            view = view[self.in_time().send(view[:CHUNK]) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What comes, to be read."""
        return io.BufferedReader(_Reading(self))

    def in_time(self) -> socket.socket:
        """The socket for one step."""
        self.socket.settimeout(_left(self.deadline))
        return self.socket

    def close(self) -> None:
        """Nothing, see above."""

    def end(self) -> None:
        """Close it."""
        self.socket.close()


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection, and its socket."""

    connection: http.client.HTTPConnection
    timed: _Timed


class _Reading(io.RawIOBase):
    """The bytes that come, as long as there is time."""

    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some more of them."""
        return self._timed.in_time().recv_into(buffer)
