"""Serves one SMTP connection: takes commands from the wire, has the session answer them, reads content, keeps order.

Commands are found in one table for all connections and answered at once where nothing has to be waited for. Limits on
line length, errors and commands live here, and every command counts; what one means is in `session`, bytes are in
`wire`. Who speaks HTTP or TLS where SMTP is spoken is cut at the first line, and nothing behind it is read as commands.
RFC 5321, 2920 (pipelining), 3030 (chunking), 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import ClassVar

from chalicelib.domain.errors import MailError, Rejected
from gateway import replies
from gateway.content import MOST_DROPPED, read_chunk, read_data, skip_chunk
from gateway.lines import TOO_LONG
from gateway.session import Answer
from gateway.transaction import Transaction
from gateway.wire import Wire

ADDRESS_VERBS = frozenset({b"MAIL", b"RCPT"})
FOREIGN_VERBS = frozenset(b"GET POST PUT HEAD OPTIONS CONNECT DELETE PATCH TRACE PROXY".split())
MOST_UNSENT = 100
"""Replies to pipelined commands that gather before the client must have room for them."""
SMALL_CHUNK = 128
"""Bytes below which a chunk brings too little to be more than another command."""
TLS_RECORD = b"\x16\x03"
_HTTP = re.compile(rb"[ \t]HTTP/[0-9]", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CHUNK = re.compile(rb"([0-9]{1,12})(?:[ ]+(LAST))?[ ]*", re.IGNORECASE)

Command = Callable[["SmtpProtocol", bytes], Answer]


class SmtpProtocol(Wire):
    """The command loop of one connection."""

    _COMMANDS: ClassVar[dict[bytes, Command]] = {}
    _errors = 0
    _commands = 0
    _draining = False
    _said_quit = False

    def drain(self) -> None:
        """The gateway is stopping: leave now if no transaction is open, else after it. Who is not connected yet, since
        its handshake goes on, hears of it in place of the greeting."""
        self._draining = True
        if self.transport is not None and self.deadlines.waiting and self.mail.transaction is None:
            self.leave(replies.SHUTTING_DOWN)

    async def _handle_client(self) -> None:
        """The life of a connection; aiosmtpd starts it as a task."""
        try:
            await self._serve()
        except (ConnectionError, TimeoutError):
            self._ending = True
        except Exception as fault:  # one faulty session must not go silent, nor harm the others
            self.site.journal.fault(fault)
            self.send(replies.INTERNAL)
        self.flush()
        if self._said_quit:
            self.close()
        else:
            self.linger()

    async def _serve(self) -> None:
        if self._draining:
            self.end(replies.SHUTTING_DOWN)
        else:
            self.send(self.mail.greeting())
        while not self._ending:
            line = self.buffer.take_line(self.limits.max_command_line)
            if line is None:
                if self._is_cut_short() or not await self.more_of_line(self.limits.command_seconds):
                    return
                continue
            try:
                reply = self._answer(line)
                if not isinstance(reply, bytes):
                    reply = await reply
            except MailError as error:
                reply = error.reply.render()
            self._reply(line, reply)
            if len(self._out) >= MOST_UNSENT:
                await self.until_read(self.limits.command_seconds)

    def _is_cut_short(self) -> bool:
        """True when what has come of a line is reason enough to end the session."""
        if self.buffer.is_flooded:
            self.end(replies.LINE_TOO_LONG)
        elif self.buffer.startswith(TLS_RECORD):  # which may never have a line end
            self.end(replies.UNSUPPORTED)
        return self._ending

    def _answer(self, line: bytes) -> Answer:
        self._commands += 1
        if self._commands > self.site.most_commands:
            self.end()
            return replies.TOO_MANY_COMMANDS
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        if not self.mail.has_greeted and self._is_foreign(line):
            self.end()  # what comes behind may be a page's text that holds commands
            return replies.LINE_TOO_LONG if line is TOO_LONG else replies.UNSUPPORTED
        if line is TOO_LONG:
            return replies.LINE_TOO_LONG
        if _CONTROL.search(line) or not (line.isascii() or verb in ADDRESS_VERBS):
            return replies.SYNTAX
        command = self._COMMANDS.get(verb)
        if command is None:
            return self._unknown(verb)
        return command(self, argument)

    def _is_foreign(self, line: bytes) -> bool:
        """True for the first line of another protocol: a request of HTTP, even one too long to be read, or TLS."""
        return line is TOO_LONG or line.startswith(TLS_RECORD) or _HTTP.search(line) is not None

    def _unknown(self, verb: bytes) -> bytes:
        # A web client, maybe in the middle of its header, or a PROXY header from a network that may not send one.
        if verb in FOREIGN_VERBS or verb.endswith(b":"):
            self.end()
            return replies.PROXY_ERROR if verb == b"PROXY" else replies.UNSUPPORTED
        return replies.UNSUPPORTED if verb else replies.SYNTAX

    def _reply(self, line: bytes, reply: bytes) -> None:
        self.send(reply)
        if self._ending:
            return
        if reply[:1] == b"5" and self._is_error(line, reply):
            self._errors += 1
            if self._errors >= self.limits.max_errors:
                self.end(replies.TOO_MANY_ERRORS)
                return
        if self._draining and self.mail.transaction is None:
            self.end(replies.SHUTTING_DOWN)

    def _is_error(self, line: bytes, reply: bytes) -> bool:
        """Whether a refusal is the session's fault. Of a client that is known a refused recipient is not, nor what
        follows from it or from a refused chunk in the same pipeline: good recipients must not be lost with bad ones."""
        if self.mail.identity.principal is None:
            return True
        follows = reply is replies.NO_RECIPIENTS or reply is replies.CHUNK_AFTER_FAILURE
        return not (follows or line[:4].upper() == b"RCPT")

    def _ehlo(self, argument: bytes) -> bytes:
        return self.mail.ehlo(argument)

    def _helo(self, argument: bytes) -> bytes:
        return self.mail.helo(argument)

    def _mail_from(self, argument: bytes) -> Answer:
        self.deadlines.open_transaction()
        return self.mail.mail(argument)

    def _rcpt_to(self, argument: bytes) -> Answer:
        return self.mail.recipient(argument)

    def _rset(self, argument: bytes) -> bytes:
        if argument.strip():
            return replies.NO_ARGUMENT
        self.mail.reset()
        return replies.OK

    def _noop(self, _: bytes) -> bytes:
        return replies.OK

    def _help(self, _: bytes) -> bytes:
        return replies.HELP

    def _secretive(self, _: bytes) -> bytes:
        """VRFY and EXPN: nobody learns which addresses there are (contract section 3.2, RFC 5321 section 7.3)."""
        return replies.UNSUPPORTED

    def _quit(self, argument: bytes) -> bytes:
        if argument.strip():
            return replies.NO_ARGUMENT
        self._said_quit = True
        self.end()
        return replies.CLOSING

    async def _starttls(self, argument: bytes) -> bytes:
        if argument.strip():
            return replies.NO_ARGUMENT
        if self.mail.secure:
            return replies.ALREADY_TLS
        if self.site.tls is None:
            return replies.NO_TLS
        self.send(replies.READY_FOR_TLS)
        if not await self.start_tls(self.site.tls):
            self.site.journal.event("tls_failed", self._peer.address, trace=self.mail.trace)
            raise ConnectionResetError
        self.mail.secured()
        return b""

    async def _auth(self, argument: bytes) -> bytes:
        before = self.mail.identity.failures
        reply = await self.mail.authenticate(argument, self._ask)
        failures = self.mail.identity.failures
        if failures > before:
            await asyncio.sleep(self.limits.auth_delay_seconds * failures)
            if failures >= self.limits.max_auth_failures:
                self.send(reply)
                self.end()
                return replies.TOO_MANY_FAILURES
        return reply

    async def _ask(self, challenge: bytes) -> bytes:
        """Send a challenge of AUTH and wait for the answer."""
        self.send(challenge)
        while True:
            line = self.buffer.take_line(self.limits.max_auth_line)
            if line is TOO_LONG or self.buffer.is_flooded:
                raise replies.refuse(500, "5.5.2", "Authentication line too long")
            if line is not None:
                return line
            if not await self.more_of_line(self.limits.command_seconds):
                raise ConnectionResetError

    async def _data(self, argument: bytes) -> bytes:
        opened = replies.NO_ARGUMENT if argument.strip() else self.mail.for_content()
        if isinstance(opened, bytes):
            if self.buffer:  # content sent without waiting for 354 must never be taken for commands
                self.end()
            return opened
        self.send(replies.GO_AHEAD)
        try:
            opened.content = await read_data(self, opened, self.site.settings.max_message_size)
        except Rejected as refused:
            return self.mail.refuse_content(refused)
        return await self._finish(opened)

    async def _bdat(self, argument: bytes) -> bytes:
        match = _CHUNK.fullmatch(argument)
        largest = self.site.settings.max_message_size
        if match is None or int(match[1]) > MOST_DROPPED * largest:
            self.end()  # nobody knows where the next command would begin
            return replies.BAD_CHUNK if match is None else replies.too_large(largest).render()
        count, last = int(match[1]), match[2] is not None
        opened = self.mail.for_content(count)
        if isinstance(opened, bytes):
            return await self._refuse_chunk(opened, count, last)
        if left := await read_chunk(self, opened, count):
            return await self._refuse_chunk(replies.NO_MEMORY, left, last)
        if not last:
            if count >= SMALL_CHUNK:
                self._commands -= 1
            return f"250 2.0.0 {count} octets received\r\n".encode()
        opened.join_chunks()
        return await self._finish(opened)

    async def _refuse_chunk(self, refusal: bytes, left: int, last: bool) -> bytes:
        self.mail.fail_chunks(refusal)
        await skip_chunk(self, left)
        if last:
            self.mail.reset()
        return refusal

    async def _finish(self, transaction: Transaction) -> bytes:
        reply = await self.mail.finish(transaction)
        if reply[:1] == b"2":
            self._commands = self._errors = 0
        return reply


SmtpProtocol._COMMANDS.update(
    {
        b"EHLO": SmtpProtocol._ehlo,
        b"HELO": SmtpProtocol._helo,
        b"MAIL": SmtpProtocol._mail_from,
        b"RCPT": SmtpProtocol._rcpt_to,
        b"DATA": SmtpProtocol._data,
        b"BDAT": SmtpProtocol._bdat,
        b"RSET": SmtpProtocol._rset,
        b"NOOP": SmtpProtocol._noop,
        b"QUIT": SmtpProtocol._quit,
        b"AUTH": SmtpProtocol._auth,
        b"STARTTLS": SmtpProtocol._starttls,
        b"VRFY": SmtpProtocol._secretive,
        b"EXPN": SmtpProtocol._secretive,
        b"HELP": SmtpProtocol._help,
    }
)
