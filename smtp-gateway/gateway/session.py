"""One client's SMTP session as mail sees it: who it is, what transaction is open, what each command means.

Knows no socket: `gateway.protocol` reads lines and content and sends what is returned here. Each command parses its
argument, calls at most one service and maps the result to a reply. Contract section 3 gives order and texts; EHLO and
RSET end the transaction but not the authentication, STARTTLS ends both.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable
from dataclasses import dataclass, field

from chalicelib.domain.errors import MailError, Rejected, Unauthenticated
from chalicelib.domain.model import DsnParameters
from chalicelib.domain.received import received_field
from chalicelib.domain.tenancy import CredentialKind
from chalicelib.services.accept import Prepared, Recipient, Submission
from chalicelib.services.authenticate import Grant
from gateway import replies
from gateway.authentication import CRAM_RANDOM_BYTES, MECHANISMS, Ask, CramProof, KeyProof, prove
from gateway.clients import client_of
from gateway.commands import MailCommand, RcptCommand, parse_mail, parse_rcpt
from gateway.configuration import Role
from gateway.site import Site

LONGEST_HELO = 255
SMTP_KEYS = frozenset({CredentialKind.SMTP})
Answer = bytes | Awaitable[bytes]


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is connected: the client's address as the PROXY header or the socket tells it, and to which listener."""

    address: str
    role: Role

    @property
    def is_loopback(self) -> bool:
        """True for a client on this machine."""
        return ipaddress.ip_address(self.address).is_loopback


@dataclass(slots=True)
class Transaction:
    """From MAIL to the end of content. `chunks` is None until the first BDAT; `failed` refuses all further chunks."""

    mail: MailCommand
    started: float
    recipients: list[Recipient] = field(default_factory=list)
    chunks: bytearray | None = None
    failed: bool = False


class MailSession:
    """The state of one session and the meaning of its commands."""

    def __init__(self, site: Site, peer: Peer, *, secure: bool) -> None:
        self.site = site
        self.peer = peer
        self.secure = secure
        self.trace = site.new_trace()
        self.grant: Grant | None = None
        self.transaction: Transaction | None = None
        self.auth_failures = 0
        self.accepted = 0
        self._client = client_of(peer.address)
        self._helo = ""
        self._granted_at = 0.0
        self._may_use_plain = site.configuration.allow_plain_auth and peer.is_loopback
        self._cram_tried = False
        self._received = b""
        self._received_for: tuple[str, str, bool] | None = None
        self._name = asyncio.ensure_future(site.services.resolver.ptr(peer.address))

    def close(self) -> None:
        """The connection is gone."""
        self.reset()
        self._name.cancel()

    @property
    def is_known(self) -> bool:
        """True once the client has authenticated or had a message accepted."""
        return self.grant is not None or self.accepted > 0

    def greeting(self) -> bytes:
        """The first line (contract section 3.1)."""
        return f"220 {self.site.hostname} ESMTP Posthorn/{self.trace}\r\n".encode()

    def secured(self) -> None:
        """TLS has begun: all that was said before it is forgotten (RFC 3207 section 4.2)."""
        self.reset()
        self.secure = True
        self.grant = None
        self._helo = ""

    def reset(self) -> None:
        """End the transaction."""
        transaction, self.transaction = self.transaction, None
        if transaction is not None and transaction.chunks is not None:
            self.site.buffered -= len(transaction.chunks)

    def ehlo(self, argument: bytes) -> bytes:
        """EHLO."""
        name = argument.strip()
        if not name or len(name) > LONGEST_HELO:
            return replies.HELO_NEEDS_NAME
        self.reset()
        self._helo = name.decode("ascii", "replace")
        return self.site.capabilities(
            secure=self.secure, may_authenticate=self.secure or self._may_use_plain
        )

    def helo(self, argument: bytes) -> bytes:
        """HELO."""
        answer = self.ehlo(argument)
        if answer is replies.HELO_NEEDS_NAME:
            return answer
        return f"250 {self.site.hostname}\r\n".encode()

    async def authenticate(self, argument: bytes, ask: Ask) -> bytes:
        """AUTH: contract section 3.3, TLS first. The caller delays and cuts by `auth_failures`."""
        refusal = self._auth_refusal()
        if refusal is not None:
            return refusal
        words = argument.decode("ascii").split()
        if not words or len(words) > 2:
            return replies.NEEDS_ARGUMENT
        mechanism = words[0].upper()
        if mechanism not in MECHANISMS:
            return replies.UNKNOWN_MECHANISM
        initial = words[1].encode() if len(words) == 2 else None
        nonce = self.site.services.rand.bytes(CRAM_RANDOM_BYTES)
        proof = await prove(mechanism, initial, ask, nonce, self.site.hostname)
        return await self._judge(proof)

    def _auth_refusal(self) -> bytes | None:
        if not self.secure and not self._may_use_plain:
            return replies.TLS_FIRST
        if self.grant is not None:
            return replies.ALREADY_AUTHENTICATED
        if self.transaction is not None:
            return replies.NOT_IN_TRANSACTION
        if self.site.failures.is_locked(self._client):
            return replies.AUTH_LOCKED
        return None

    async def _judge(self, proof: KeyProof | CramProof) -> bytes:
        service = self.site.services.authenticate
        try:
            if isinstance(proof, KeyProof):
                grant = await service.by_key(proof.key, SMTP_KEYS)
            else:
                grant = await service.by_cram(proof.username, proof.challenge, proof.digest)
        except Unauthenticated as wrong:
            self._failed(proof)
            return wrong.reply.render()
        except MailError:
            return replies.AUTH_UNAVAILABLE
        self._remember(grant)
        return replies.granted(grant.server.full_name)

    def _failed(self, proof: KeyProof | CramProof) -> None:
        """Count a failure, but not a session's first with CRAM-MD5: common clients try that before PLAIN."""
        self.site.journal.event("auth_failed", self.peer.address, trace=self.trace)
        if isinstance(proof, CramProof) and not self._cram_tried:
            self._cram_tried = True
            return
        self.auth_failures += 1
        self.site.failures.note(self._client)

    def _remember(self, grant: Grant) -> None:
        self.grant = grant
        self._granted_at = self.site.monotonic()

    def mail(self, argument: bytes) -> Answer:
        """MAIL FROM."""
        if not self._helo:
            return replies.HELO_FIRST
        if self.transaction is not None:
            return replies.ALREADY_MAIL
        command = parse_mail(argument)
        largest = self.site.settings.max_message_size
        if command.size is not None and command.size > largest:
            return replies.too_large(largest).render()
        now = self.site.monotonic()
        if (
            self.grant is not None
            and now - self._granted_at > self.site.configuration.renew_seconds
        ):
            return self._begin_renewed(self.grant, command)
        self.transaction = Transaction(command, now)
        return replies.SENDER_OK

    async def _begin_renewed(self, grant: Grant, command: MailCommand) -> bytes:
        """A long session sees what happened to its credential and server meanwhile."""
        try:
            self._remember(await self.site.services.authenticate.renew(grant))
        except Unauthenticated:
            self.grant = None
            return replies.AUTH_REQUIRED
        except MailError:
            return replies.AUTH_UNAVAILABLE
        self.transaction = Transaction(command, self.site.monotonic())
        return replies.SENDER_OK

    def recipient(self, argument: bytes) -> Answer:
        """RCPT TO (contract section 3.5 for outgoing mail)."""
        transaction = self.transaction
        if transaction is None or not self._helo:
            return replies.MAIL_FIRST
        if transaction.chunks is not None:
            return replies.MIXED_DATA
        command = parse_rcpt(argument, transaction.mail.smtputf8)
        if len(transaction.recipients) >= self.site.settings.max_recipients:
            return replies.TOO_MANY_RECIPIENTS
        if self.grant is None:
            return self._recipient_by_address(transaction, command)
        return self._add(transaction, command, self.grant)

    async def _recipient_by_address(self, transaction: Transaction, command: RcptCommand) -> bytes:
        """An SMTP-IP credential stays the session's once it was needed."""
        try:
            grant = await self.site.services.authenticate.by_address(self.peer.address)
        except MailError:
            return replies.AUTH_UNAVAILABLE
        if grant is None:
            return replies.AUTH_REQUIRED
        self._remember(grant)
        return self._add(transaction, command, grant)

    def _add(self, transaction: Transaction, command: RcptCommand, grant: Grant) -> bytes:
        if grant.server.is_suspended:
            return replies.SUSPENDED
        mail = transaction.mail
        dsn = None
        if command.notify or command.orcpt or mail.ret or mail.envid:
            dsn = DsnParameters(command.notify, command.orcpt, mail.ret, mail.envid)
        transaction.recipients.append(Recipient(command.address, dsn))
        return replies.RECIPIENT_OK

    def content_refusal(self, *, chunk: bool) -> bytes | None:
        """Why DATA, or BDAT when `chunk`, may not come now; None when it may."""
        transaction = self.transaction
        if transaction is None:
            return replies.RCPT_FIRST
        if not transaction.recipients:
            return replies.NO_RECIPIENTS
        if not chunk and transaction.chunks is not None:
            return replies.MIXED_DATA
        if transaction.failed:
            return replies.CHUNK_AFTER_FAILURE
        if self.site.buffered > self.site.configuration.max_buffered:
            return replies.NO_MEMORY
        return None

    def refuse_content(self, refused: Rejected) -> bytes:
        """End the transaction because its content could not be taken."""
        self._log("refused", refused.reply.code, error=refused.code)
        self.reset()
        return refused.reply.render()

    def chunk_refusal(self, count: int) -> bytes | None:
        """Why a chunk of `count` bytes may not come now; None when it may."""
        refusal = self.content_refusal(chunk=True)
        transaction = self.transaction
        if refusal is None and transaction is not None:
            largest = self.site.settings.max_message_size
            if len(transaction.chunks or b"") + count > largest:
                return replies.too_large(largest).render()
        return refusal

    def fail_chunks(self, *, over: bool) -> None:
        """A chunk was refused: so is every later one, until the last has come (`over`) or RSET (RFC 3030 section 2)."""
        if over:
            self.reset()
        elif self.transaction is not None:
            self.transaction.failed = True

    def add_chunk(self, chunk: bytes, *, last: bool) -> bytes | None:
        """Keep a chunk; the whole content when it was the last."""
        transaction = self.transaction
        if transaction is None:
            return b"" if last else None
        if transaction.chunks is None:
            if last:
                return chunk
            transaction.chunks = bytearray()
        transaction.chunks += chunk
        self.site.buffered += len(chunk)
        return bytes(transaction.chunks) if last else None

    async def finish(self, content: bytes) -> bytes:
        """The content is complete: accept the message, and say 250 only after it is durable."""
        prepared: Prepared | None = None
        try:
            prepared = await self.site.services.accept.prepare(await self._submission(content))
            await self.site.committer.add(prepared)
        except MailError as error:
            reply = replies.of_error(error)
            code = int(reply[:3])
            self._log("deferred" if code < 500 else "refused", code, prepared, error.code)
        except Exception as fault:  # a fault here must cost one message a 451, never the session
            self.site.journal.fault(fault)
            reply = replies.NOT_STORED
            self._log("deferred", 451, prepared)
        else:
            self.accepted += 1
            reply = replies.queued(tuple(message.token for message in prepared.messages))
            self._log("accepted", 250, prepared)
        self.reset()
        return reply

    async def _submission(self, content: bytes) -> Submission:
        transaction, grant = self.transaction, self.grant
        if transaction is None or grant is None:
            raise Unauthenticated("Authentication required")
        now = (self.site.date(), self._helo, grant.server.privacy_mode)
        if self._received_for != now:
            self._received_for, self._received = now, await self._received_field(*now)
        return Submission(
            grant=grant,
            mail_from=transaction.mail.address,
            recipients=tuple(transaction.recipients),
            content=content,
            received_with_ssl=self.secure,
            smtputf8=transaction.mail.smtputf8,
            received=self._received,
        )

    async def _received_field(self, date: str, helo: str, privacy: bool) -> bytes:
        """Our Received field (contract section 3.10); the same for all messages of one second."""
        return received_field(
            helo=helo,
            peer_name=await self._peer_name(),
            peer_address=self.peer.address,
            by=self.site.hostname,
            protocol="SMTP",
            date=date,
            privacy=privacy,
        )

    async def _peer_name(self) -> str | None:
        """The client's PTR name, asked for at connect, waited for a short time once; None when unknown."""
        name = self._name
        if not name.done():
            await asyncio.wait((name,), timeout=self.site.configuration.ptr_seconds)
            if not name.done():
                name.cancel()
                await asyncio.wait((name,))
        return None if name.cancelled() or name.exception() is not None else name.result()

    def _log(
        self, outcome: str, code: int, prepared: Prepared | None = None, error: str | None = None
    ) -> None:
        transaction = self.transaction
        started = transaction.started if transaction is not None else self.site.monotonic()
        fields: dict[str, object] = {
            "trace": self.trace,
            "outcome": outcome,
            "code": code,
            "ms": round((self.site.monotonic() - started) * 1_000, 2),
        }
        if self.grant is not None:
            fields["server_id"] = self.grant.server.id
        if prepared is not None:
            fields["message_ids"] = [message.id for message in prepared.messages]
            fields["size"] = len(prepared.body)
        if error is not None:
            fields["error"] = error
        self.site.journal.event("transaction", self.peer.address, **fields)
