"""The HTTP/1.1 server of one host: uvicorn on h11, on listening sockets that others made.

It bounds the head of a request and the time for it, connections, idle ones, and clients that do not read what they
asked for. It installs no signal handlers, believes no proxy, and says nothing of itself. What h11 cannot read is
answered as API Gateway does, and its connection closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import uuid
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chalicelib.api.v2.gateway_responses import answer_of

LARGEST_HEAD = 32 * 1024  # what is taken in; the application may want less
HEAD_SECONDS = 15.0
IDLE_SECONDS = 65  # between requests, as load balancers expect
STUCK_SECONDS = 60.0  # without a byte that the client takes
LINGER_SECONDS = 1.0
DRAIN_SECONDS = 25
MOST_CONNECTIONS = 2_000
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Connection(H11Protocol):
    """One connection: uvicorn's, with limits of time."""

    _watch: asyncio.TimerHandle | None = None
    _head_began = False
    _is_refused = False
    _is_last = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self._expect(HEAD_SECONDS)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(_BUSY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        super().data_received(data)
        if self._is_last and self._is_answering:
            self.cycle.keep_alive = False
        if not self._is_refused:
            self._look()

    def shutdown(self) -> None:
        """The server stops: answer what is under way. The first request of who has just come may be, too."""
        if self.cycle is None and not self._is_refused:
            self._is_last = True
            if not self._head_began:
                self._expect(LINGER_SECONDS)
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        self._head_began = False
        self._expect(IDLE_SECONDS + STUCK_SECONDS)
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect(STUCK_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._rest()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong, unless an answer is under way, and end the connection."""
        if not self._is_answering or not self.cycle.response_started:
            broken = sys.exception()
            status = (
                broken.error_status_hint if isinstance(broken, h11.RemoteProtocolError) else 400
            )
            for event in _refusal(status):
                self.transport.write(self.conn.send(event) or b"")
        if self._is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closed while the client still sends, it would lose the answer to a reset.
        self._is_refused = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self._expect(LINGER_SECONDS)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's own closes
        """A client that sends no more may still wait for its answer."""
        if not self._is_answering or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    @property
    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn says
        return cycle is not None and not cycle.response_complete

    def _look(self) -> None:
        """Begin the time for a head with its first byte, and end it with the head."""
        if self.transport.is_closing():
            self._expect(STUCK_SECONDS)
        elif self._is_answering:
            self._head_began = False
            if not self.flow.write_paused:
                self._rest()
        elif not self._head_began and self.conn.trailing_data[0]:
            self._head_began = True
            self._expect(HEAD_SECONDS)

    def _expect(self, seconds: float) -> None:
        self._rest()
        unsent = self.transport.get_write_buffer_size()
        self._watch = self.loop.call_later(seconds, self._late, unsent)

    def _rest(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _late(self, unsent: int) -> None:
        """The time is over; who took some of what is sent has more."""
        if 0 < self.transport.get_write_buffer_size() < unsent:
            self._expect(STUCK_SECONDS)
        else:
            self.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn's server, ended by an event."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)


async def serve_web(
    application: Any,
    sockets: Sequence[socket.socket],
    stop: asyncio.Event,
    drain_seconds: int = DRAIN_SECONDS,
    connections: set[Any] | None = None,
) -> None:
    """Serve an ASGI application until `stop` is set, and give what is under way `drain_seconds` to end. The sockets
    listen already, and are closed at the end. `connections` holds those that are open, for whoever counts them."""
    logging.getLogger("uvicorn.error").setLevel(
        logging.CRITICAL
    )  # the application tells what it does
    config = uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )
    server = _Server(config, stop)
    if connections is not None:
        server.server_state.connections = connections
    await server.serve(list(sockets))


def _refusal(status: int) -> Iterator[h11.Event]:
    """The answer to what is no request."""
    answer, request_id = answer_of("DEFAULT_4XX"), str(uuid.uuid4())
    body = answer.body_for(request_id).encode()
    headers = {
        **answer.headers,
        "x-amzn-RequestId": request_id,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    reason = HTTPStatus(status).phrase.encode()
    yield h11.Response(status_code=status, headers=list(headers.items()), reason=reason)
    yield h11.Data(data=body)
    yield h11.EndOfMessage()
