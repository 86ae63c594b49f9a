"""One connection's bytes: a buffer in front, replies behind. A subclass of aiosmtpd's protocol.

aiosmtpd keeps the life of the connection: its transport and the task that serves it. This adds what it is slow at or
lacks: one buffer is filled in blocks (`gateway.lines` cuts it), replies of pipelined commands leave in one write, and
time is limited (`gateway.deadlines`). A client that sends without reading, or without end, is made to wait or cut. What
a connection holds is bounded in both directions by a constant (`gateway.memory`), except for content, whose reader has
it counted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from aiosmtpd.smtp import SMTP

from gateway import replies
from gateway.clients import Peer
from gateway.deadlines import Deadlines
from gateway.lines import LineBuffer
from gateway.session import MailSession
from gateway.site import Site

HIGH_WATER = 64 * 1024
LINGER_SECONDS = 2.0
MOST_LINGERED = 1_048_576


class _Stream(asyncio.Transport):
    """A transport as it is with TLS, where it reads ahead."""

    def set_read_buffer_limits(self, high: int) -> None:
        """Read no further once so many bytes wait."""


class _NoHooks:
    """Stands where aiosmtpd looks for hooks; ours are methods of the protocol itself."""

    def __dir__(self) -> Iterable[str]:
        return ()


_NO_HOOKS = _NoHooks()


class Wire(SMTP):
    """The transport side of one SMTP connection. `on_close` is told once when it has ended."""

    def __init__(
        self,
        site: Site,
        peer: Peer,
        loop: asyncio.AbstractEventLoop,
        on_close: Callable[[Wire], None],
    ) -> None:
        self.buffer = LineBuffer()
        self.seen = 0  # bytes of the buffer that were there when more was last waited for
        self.site = site
        self.limits = site.configuration
        self.mail: MailSession
        self.deadlines: Deadlines
        self._stream: _Stream  # aiosmtpd's `transport`, as what it is
        self._peer = peer
        self._on_close: Callable[[Wire], None] | None = on_close
        self._out: list[bytes] = []
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._held = False
        self._lingering = False
        self._lingered = 0
        self._eof = False
        self._ending = False
        self._paused = False
        super().__init__(_NO_HOOKS, data_size_limit=None, hostname=site.hostname, loop=loop)

    def __dir__(self) -> Iterable[str]:
        """No names: aiosmtpd would inspect all members of each new connection, at a third of a millisecond."""
        return ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket, and with implicit TLS its handshake, is ready."""
        secure = transport.get_extra_info("ssl_object") is not None
        self.mail = MailSession(self.site, self._peer, secure=secure)
        self.deadlines = Deadlines(self.mail, self.loop, self._late)
        self._take(transport, secure=secure)
        super().connection_made(transport)

    def _take(self, transport: asyncio.BaseTransport, *, secure: bool) -> None:
        """Speak through this transport, with little of each direction in memory."""
        self._stream = cast("_Stream", transport)  # uvloop's have the methods, not the class
        if secure:  # TLS would keep far more
            self._stream.set_read_buffer_limits(HIGH_WATER)
            self._stream.set_write_buffer_limits(HIGH_WATER)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; aiosmtpd cancels the task that serves it."""
        self.deadlines.timer.cancel()
        super().connection_lost(error)
        self._ended()

    def _ended(self) -> None:
        if self._on_close is not None:
            self.mail.close()
            self.site.counts.connection(secure=self.mail.secure)
            self._on_close(self)
            self._on_close = None

    def data_received(self, data: bytes) -> None:
        """Bytes from the client. Whoever sends faster than its commands are worked on is made to wait."""
        if self._lingering:
            self._lingered += len(data)
            if self._lingered > MOST_LINGERED:
                self._stream.abort()
            return
        self.buffer += data
        if self._arrival is not None:
            self._wake()
        elif len(self.buffer) - self.seen > HIGH_WATER and not self._held:
            self._held = True
            self._stream.pause_reading()

    def eof_received(self) -> bool:
        """The client will say no more. What it said is still served, unless TLS, which cannot close by half, ended."""
        self._eof = True
        if self._lingering:
            self.close()
        elif self._arrival is not None:
            self._wake()
        return not self.mail.secure

    def pause_writing(self) -> None:
        """The client does not read: say no more until it does."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._paused = False
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def _wake(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    def more_of_line(self, seconds: float) -> Awaitable[bool]:
        """As `more`, but False when no more will come, and `seconds` are for the whole line: single bytes do not buy
        time."""
        if not self.buffer.line_deadline:
            self.buffer.line_deadline = self.loop.time() + seconds
        return self._more_until(self.buffer.line_deadline)

    async def more(self, seconds: float) -> None:
        """Send what was said and wait at most `seconds` for bytes; ConnectionResetError when no more will come."""
        if not await self._more_until(self.loop.time() + seconds):
            raise ConnectionResetError

    async def _more_until(self, deadline: float) -> bool:
        self.seen = size = len(self.buffer)
        if self._out:
            self.flush()
        self.deadlines.wait_until(deadline)
        if self._paused:
            await self._until_writable()
        if self._held:
            self._held = False
            self._stream.resume_reading()
        if len(self.buffer) == size and not self._eof:
            self._arrival = self.loop.create_future()
            await self._arrival
        self.deadlines.waiting = False
        return len(self.buffer) > size

    async def until_read(self, seconds: float) -> None:
        """Send what was said, and wait at most `seconds` for the client to read enough of it."""
        self.flush()
        if self._paused:
            self.deadlines.wait_until(self.loop.time() + seconds)
            await self._until_writable()
            self.deadlines.waiting = False

    async def _until_writable(self) -> None:
        self._writable = self.loop.create_future()
        await self._writable

    def send(self, reply: bytes) -> None:
        """Say something; it leaves when the client's commands are used up."""
        if reply >= b"4":
            self.site.counts.refused(reply)
        self._out.append(reply)

    def flush(self) -> None:
        """Write what was said."""
        if self._out and not self._lingering and not self._stream.is_closing():
            self._stream.write(b"".join(self._out))
        self._out.clear()

    def end(self, reply: bytes = b"") -> None:
        """Say a last thing and stop serving."""
        self.send(reply)
        self._ending = True

    def leave(self, reply: bytes) -> None:
        """End from outside the serving task, and let the client read why."""
        self.end(reply)
        self.flush()
        self.linger()

    def cut(self, reply: bytes) -> None:
        """End at once from outside the serving task, which then is cancelled."""
        self.end(reply)
        self.flush()
        self.close()

    def close(self) -> None:
        """Close after what was written has left, or after a short time if the client does not read it."""
        self._stream.close()
        if self._paused or self._stream.get_write_buffer_size():
            self.loop.call_later(LINGER_SECONDS, self._stream.abort)

    def linger(self) -> None:
        """Close, but let the client read why: closing with unread input would make TCP take the last reply back. TLS
        cannot close by half, so that it is the client who closes, or its time that ends."""
        stream = self._stream
        if self._eof or self._paused or stream.is_closing():
            self.close()
            return
        self._lingering = True
        self.buffer.forget()
        if self._held:
            self._held = False
            self._stream.resume_reading()
        self.deadlines.timer.cancel()
        if stream.can_write_eof():
            stream.write_eof()
            self._timeout_handle = self.loop.call_later(LINGER_SECONDS, stream.abort)
        else:
            self._timeout_handle = self.loop.call_later(LINGER_SECONDS, self.close)

    async def start_tls(self, context: ssl.SSLContext) -> bool:
        """Change to TLS; False when the handshake fails. Plain text that came too early is dropped (RFC 3207)."""
        self.flush()
        self.buffer.forget()
        if self._held:
            self._held = False
            self._stream.resume_reading()
        try:
            transport = await self.loop.start_tls(
                self._stream,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self.limits.handshake_seconds,
                ssl_shutdown_timeout=LINGER_SECONDS,
            )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            self._ended()  # not every event loop reports a lost connection after a failed handshake
            return False
        if transport is None:
            return False
        self.transport = transport
        self._take(transport, secure=True)
        return True

    def _late(self) -> None:
        self.leave(replies.TIMED_OUT)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """aiosmtpd starts its timer here, and cancels it when the connection is lost."""
        self._timeout_handle = self.deadlines.timer
