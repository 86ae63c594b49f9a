"""Mail transactions over an open SMTP session, as few round trips and as little CPU as the server
allows.

With PIPELINING the envelope is one write and three replies (RFC 2920); a RSET that the last
transaction left to do rides in front. The reply that decides is returned, never interpreted. It
promises that no byte of a message is sent before 354, and that OutcomeUnknown is raised exactly
when the final dot was handed to the socket and no reply to it was read.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.network.smtp_connection import PIECE, SmtpConnection
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import OutcomeUnknown, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.commands import (
    NEEDS_8BITMIME,
    NEEDS_SMTPUTF8,
    Extensions,
    mail_command,
    needs_smtputf8,
    rcpt_command,
)
from chalicelib.domain.smtp.dot_stuffing import stuff, stuff_in_pieces
from chalicelib.ports.egress import TransactionResult

NO_REPLY = "The message was sent, but the server's reply was lost."
AT_ONCE = 16 * 1024
"""Content that goes out with its final dot in one write: the system takes as much from an idle connection."""
OUT_OF_STEP = "The server's replies are out of step."


class SmtpSession:
    """A session past greeting, EHLO and TLS. `uses` counts its transactions; `answered` says
    whether the server has replied to anything in the present one, `has_begun` whether it has agreed
    to content."""

    def __init__(
        self, connection: SmtpConnection, extensions: Extensions, limits: TimeLimits
    ) -> None:
        self.connection = connection
        self.extensions = extensions
        self.uses = 0
        self.answered = False
        self.has_begun = False
        self._limits = limits
        self._patience = {"MAIL": limits.mail, "RCPT": limits.rcpt, "DATA": limits.data}
        self._open_transaction = False
        self._over = False
        self._busy = False

    @property
    def is_reusable(self) -> bool:
        """True when another transaction may start."""
        return not self._over and self.connection.is_quiet

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> TransactionResult:
        """Send one message; see `chalicelib.ports.egress.Conversation.transact`. Raises Rejected, before
        anything is written, for an envelope that no command can carry."""
        self.answered = self.has_begun = False
        if needs_smtputf8(envelope) and "SMTPUTF8" not in self.extensions:
            return TransactionResult(NEEDS_SMTPUTF8, "MAIL")
        size = sum(map(len, content))
        eight_bit = not all(map(bytes.isascii, content))
        if eight_bit and "8BITMIME" not in self.extensions:
            return TransactionResult(NEEDS_8BITMIME, "MAIL")
        mail = mail_command(envelope, self.extensions, size, eight_bit)
        rcpt = rcpt_command(envelope, self.extensions)
        self.uses += 1
        self._busy = True
        try:
            refused = await self._envelope(mail, rcpt)
            return refused if refused is not None else await self._content(content, size)
        except BaseException:
            self._over = True
            self.connection.abort()
            raise
        finally:
            self._busy = False

    def quit(self) -> None:
        """Say QUIT if possible and close; in the middle of a transaction, break it off."""
        self._over = True
        if self._busy:
            self.connection.abort()
        else:
            self.connection.quit()

    def abort(self) -> None:
        """Close at once: a transaction under way ends with its TemporaryFailure or
        OutcomeUnknown."""
        self._over = True
        self.connection.abort()

    async def _envelope(self, mail: bytes, rcpt: bytes) -> TransactionResult | None:
        """Say MAIL, RCPT and DATA; None after 354, else the refusal."""
        reset = b"RSET\r\n" if self._open_transaction else b""
        self._open_transaction = True
        if "PIPELINING" in self.extensions:
            self.connection.command(reset + mail + rcpt + b"DATA\r\n")
            return await self._hear_pipelined(bool(reset))
        if reset:
            self.connection.command(reset)
            await self._hear(self._limits.mail)
        for stage, command in (("MAIL", mail), ("RCPT", rcpt), ("DATA", b"DATA\r\n")):
            self.connection.command(command)
            reply = await self._hear(self._patience[stage])
            if not _is_go(stage, reply):
                return TransactionResult(reply, stage)
        return None

    async def _hear_pipelined(self, reset: bool) -> TransactionResult | None:
        if reset and (reply := await self._hear(self._limits.mail)).code == 421:
            return TransactionResult(reply, "MAIL")
        refused: TransactionResult | None = None
        for stage in ("MAIL", "RCPT", "DATA"):
            # What follows a refusal decides nothing, and is waited for only to use the session again.
            seconds = self._patience[stage] if refused is None else self._limits.idle
            try:
                reply = await self._hear(seconds)
            except TemporaryFailure:
                if refused is None:
                    raise
                return self._end(refused)
            if refused is None:
                refused = None if _is_go(stage, reply) else TransactionResult(reply, stage)
            elif reply.code == 354:
                await self._take_back(refused)
            if self._over:
                return refused
        return refused

    async def _take_back(self, refused: TransactionResult) -> None:
        """The server wants content although it refused the envelope: give it none (RFC 2920 §3.1).

        A lone dot is safe when no recipient was accepted; otherwise the connection goes.
        """
        if refused.stage != "RCPT":
            self._end(refused)
            return
        try:
            self.connection.command(b".\r\n")
            await self._hear(self._limits.data)
        except TemporaryFailure:
            self._end(refused)

    async def _content(self, content: Sequence[bytes], size: int) -> TransactionResult:
        self.has_begun = True
        if self.connection.transcript is not None:
            self.connection.transcript.send(size)
        early = await self._early_reply()
        if early is None and size <= AT_ONCE:
            self.connection.say(b"".join(stuff(content)))
        elif early is None:
            early = await self._say_at_length(content)
        if early is not None:
            return self._end(TransactionResult(early, "."))
        if self.connection.unsent:
            await self.connection.flush(self._limits.block)
        try:
            reply = await self._hear(self._limits.final_dot)
        except TemporaryFailure as lost:
            unknown = OutcomeUnknown(NO_REPLY)
            unknown.fields.update(lost.fields)
            raise unknown from lost
        self._open_transaction = False
        return TransactionResult(reply, ".")

    async def _say_at_length(self, content: Sequence[bytes]) -> Reply | None:
        """Send in pieces, at the server's pace, and the final dot when all of them have left us; or the reply of a
        server that does not wait for the end."""
        pieces = stuff_in_pieces(content, PIECE)
        piece = next(pieces)
        for following in pieces:
            self.connection.say(piece)
            await self.connection.drain(self._limits.block)
            if (early := await self._early_reply()) is not None:
                return early
            piece = following
        if self.connection.unsent:
            await self.connection.flush(self._limits.block)
            if (early := await self._early_reply()) is not None:
                return early
        self.connection.say(piece)
        return None

    async def _early_reply(self) -> Reply | None:
        """A refusal that came before the final dot. A positive reply there raises TemporaryFailure: it
        answers nothing that was asked, so none that follows can be trusted."""
        if self.connection.is_quiet:
            return None
        reply = await self._hear(self._limits.block)
        if reply.is_positive:
            raise TemporaryFailure(OUT_OF_STEP)
        return reply

    async def _hear(self, seconds: float) -> Reply:
        reply = self.connection.ready_reply()
        if reply is None:
            reply = await self.connection.reply(seconds)
        self.answered = True
        if reply.code == 421:
            self._over = True
        return reply

    def _end(self, result: TransactionResult) -> TransactionResult:
        self._over = True
        self.connection.abort()
        return result


def _is_go(stage: str, reply: Reply) -> bool:
    """True when the dialogue may go on. A positive reply of the wrong kind raises
    TemporaryFailure."""
    wanted = reply.code == 354 if stage == "DATA" else 200 <= reply.code < 300
    if reply.is_positive and not wanted:
        raise TemporaryFailure(OUT_OF_STEP)
    return wanted
