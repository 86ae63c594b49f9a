"""One TCP connection to an SMTP server: bytes out with flow control, replies in, TLS when asked
for.

An asyncio protocol with a buffer of its own rather than streams, because it costs a quarter of the CPU for a short
dialogue. It knows lines and replies, and nothing of what they mean. Every wait has its time limit.
A connection that failed once stays failed, but replies read before that are still handed out.
The TemporaryFailure of a wait that was too long has the field `timed_out`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.replies import ReplyReader
from chalicelib.domain.transcript import Transcript

PIECE = 64 * 1024
"""What is given to the transport at a time, and what it may keep. A stuck connection holds several under TLS."""
BUFFER = 8 * 1024
TLS_GOODBYE_SECONDS = 1.0
FIRST_LOOK = 0.001
LONGEST_LOOK = 0.02


class SmtpConnection(asyncio.BufferedProtocol):
    """A connection. `tls` is "TLSv1.3 CIPHER" once encrypted, `local` the address on our side. `transcript` takes down
    the commands and replies of whoever has the connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        # A view, because asyncio's TLS fills the tail of what it gets by slicing it.
        self._buffer = memoryview(bytearray(BUFFER))
        self._replies: deque[Reply] = deque()
        self._failure: str | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._timed_out = False
        self._late_at = 0.0
        self._late = ""
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._socket: asyncio.Transport | None = None
        self._closed = self._loop.create_future()
        self.tls: str | None = None
        self.local = ""
        self.transcript: Transcript | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = self._socket = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=PIECE)
        name = transport.get_extra_info("sockname")
        self.local = str(name[0]) if isinstance(name, tuple) else ""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where asyncio puts what it reads."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Cut replies from what came."""
        try:
            self._replies.extend(self._reader.feed(bytes(self._buffer[:nbytes])))
        except TemporaryFailure as unreadable:
            self._replies.extend(self._reader.replies)
            self._fail(unreadable.public)
            self.abort()
            return
        if self._replies:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember why."""
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "closed"
        self._fail(f"The connection was lost: {reason}.")
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """The send buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """The send buffer has room again."""
        self._paused = False
        self._wake()

    # What the client calls.

    @property
    def is_quiet(self) -> bool:
        """True when the connection works and the server has said nothing that was not asked for."""
        return self._failure is None and not self._replies and self._reader.is_between_replies

    def ready_reply(self) -> Reply | None:
        """The next reply if it is here already."""
        return self._heard() if self._replies else None

    async def reply(self, seconds: float) -> Reply:
        """The next reply. Raises TemporaryFailure when the connection fails or `seconds` pass."""
        while not self._replies:
            await self._wait(seconds, "The server did not answer in time.")
        return self._heard()

    def command(self, data: bytes, shown: bytes | None = None) -> None:
        """Send a command, or a few, and have them taken down, as `shown` where that is another. Raises TemporaryFailure
        on a failed connection."""
        if self.transcript is not None:
            self.transcript.say(data if shown is None else shown)
        self.say(data)

    def say(self, data: bytes) -> None:
        """Send what nobody takes down. Raises TemporaryFailure on a failed connection."""
        if self._transport is None or self._failure is not None or self._transport.is_closing():
            raise self._error()
        self._transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Wait until the send buffer has room, or the server answers before it was asked to."""
        while self._paused and not self._replies:
            await self._wait(seconds, "The server stopped reading.")

    @property
    def unsent(self) -> int:
        """How many bytes of what was said are not with the operating system yet, TLS included."""
        if self._transport is None or self._socket is None:
            return 0
        waiting = self._socket.get_write_buffer_size()
        if self._transport is not self._socket:
            waiting += self._transport.get_write_buffer_size()
        return waiting

    async def flush(self, seconds: float) -> None:
        """Wait until all that was said is with the operating system, or the server answers before. Raises
        TemporaryFailure when the connection fails, or nothing moves for `seconds`."""
        waiting, look = self.unsent, FIRST_LOOK
        late_at = self._loop.time() + seconds
        while waiting and not self._replies:
            if self._failure is not None:
                raise self._error()
            # No event says that the buffer under TLS is empty.
            waiter = self._waiter = self._loop.create_future()
            try:
                await asyncio.wait({waiter}, timeout=look)
            finally:
                self._waiter = None
            left = self.unsent
            if left < waiting:
                late_at = self._loop.time() + seconds
            elif self._loop.time() >= late_at:
                self._timed_out = self._failure is None
                self._fail("The server stopped reading.")
            waiting, look = left, min(2 * look, LONGEST_LOOK)
        if self._failure is not None and not self._replies:
            raise self._error()

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Encrypt. Raises OSError (ssl.SSLError among them) when the handshake fails,
        TemporaryFailure when the server had sent something in clear text that would be taken for a
        reply under TLS (RFC 3207 §4.2)."""
        if self._transport is None or not self.is_quiet:
            self.abort()
            raise TemporaryFailure("The server spoke out of turn before TLS.")
        secure = await self._loop.start_tls(
            self._transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=TLS_GOODBYE_SECONDS,
        )
        if secure is None:
            raise ConnectionResetError("The connection was lost in the TLS handshake")
        self._transport = secure
        secure.set_write_buffer_limits(high=PIECE)
        made = secure.get_extra_info("ssl_object")
        self.tls = f"{made.version()} {made.cipher()[0]}"

    def quit(self) -> None:
        """Say QUIT if possible and close, without waiting for the answer."""
        if self._transport is None:
            return
        if self._failure is None and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
        self._fail("The connection was closed.")
        self._transport.close()

    def abort(self) -> None:
        """Close at once; whoever waits for a reply gets a TemporaryFailure."""
        self._fail("The connection was given up.")
        if self._transport is not None:
            self._transport.abort()

    async def wait_closed(self, seconds: float) -> None:
        """Until the socket is gone; aborts when that takes longer than `seconds`."""
        if self._transport is None:
            return
        done, _ = await asyncio.wait({self._closed}, timeout=seconds)
        if not done:
            self.abort()

    def _heard(self) -> Reply:
        reply = self._replies.popleft()
        if self.transcript is not None:
            self.transcript.hear(reply)
        return reply

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self, seconds: float, late: str) -> None:
        """Until something happens; raises TemporaryFailure when that is the end of the connection,
        or nothing."""
        if self._failure is not None:
            raise self._error()
        waiter = self._waiter = self._loop.create_future()
        self._late_at, self._late = self._loop.time() + seconds, late
        if self._watch is None or self._watch.when() > self._late_at:
            self._set_watch()
        try:
            await waiter
        finally:
            self._waiter = None
        if self._failure is not None and not self._replies:
            raise self._error()

    def _error(self) -> TemporaryFailure:
        reason = self._failure or "The connection was lost."
        return (
            TemporaryFailure(reason, timed_out=1) if self._timed_out else TemporaryFailure(reason)
        )

    def _set_watch(self) -> None:
        """Look at the time when the present wait must be over. The timer outlives the wait: setting and
        cancelling one for each reply would cost more than reading the reply."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_at(self._late_at, self._look)

    def _look(self) -> None:
        self._watch = None
        if self._waiter is None or self._failure is not None:
            return
        if self._loop.time() >= self._late_at:
            self._timed_out = self._failure is None
            self._fail(self._late)
        else:
            self._set_watch()
