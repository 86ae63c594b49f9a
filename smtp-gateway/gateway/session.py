"""One client's SMTP session as mail sees it: who it is, what transaction is open, what each command means.

Knows no socket: `gateway.protocol` reads lines and content and sends what is returned here. Each command parses its
argument, calls at most one service and maps the result to a reply. Contract section 3 gives order and texts; EHLO and
RSET end the transaction but not the authentication, STARTTLS ends both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress

from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.errors import MailError, Rejected, Unauthenticated
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.outgoing.store import Storable
from chalicelib.services.outgoing.submission import Submission
from chalicelib.services.tenancy.authenticate import Principal
from gateway import replies
from gateway.admission import Admission
from gateway.authentication import Ask
from gateway.clients import Peer
from gateway.commands import MailCommand, RcptCommand, parse_mail, parse_rcpt
from gateway.identity import Identity
from gateway.received import ReceivedField
from gateway.site import Site
from gateway.storing import stored
from gateway.transaction import Transaction

LONGEST_HELO = 255
Answer = bytes | Awaitable[bytes]


class MailSession:
    """The state of one session and the meaning of its commands.

    `has_greeted` once the client has said EHLO or HELO, since TLS began if it did.
    """

    def __init__(self, site: Site, peer: Peer, *, secure: bool) -> None:
        self.site = site
        self.peer = peer
        self.secure = secure
        self.trace = site.new_trace()
        self.identity = Identity(site, peer.address, self.trace)
        self.admission = Admission(site, peer, self.identity)
        self.transaction: Transaction | None = None
        self.accepted = 0
        self._places = site.services.places
        self.has_greeted = False
        self._helo = ""
        self._may_use_plain = site.configuration.allow_plain_auth and peer.is_loopback
        self._received = ReceivedField(site, peer)

    def close(self) -> None:
        """The connection is gone."""
        self.reset()
        self._received.close()

    @property
    def is_known(self) -> bool:
        """True once the client has authenticated or had a message accepted."""
        return self.identity.principal is not None or self.accepted > 0

    def greeting(self) -> bytes:
        """The first line (contract section 3.1)."""
        return f"220 {self.site.hostname} ESMTP Posthorn/{self.trace}\r\n".encode()

    def secured(self) -> None:
        """TLS has begun: all that was said before it is forgotten (RFC 3207 section 4.2)."""
        self.reset()
        self.secure = True
        self.identity.principal = None
        self.has_greeted = False
        self._helo = ""

    def reset(self) -> None:
        """End the transaction."""
        transaction, self.transaction = self.transaction, None
        if transaction is not None:
            self._places.give_back(transaction.close())

    def ehlo(self, argument: bytes) -> bytes:
        """EHLO."""
        name = argument.strip()
        if not name or len(name) > LONGEST_HELO:
            return replies.HELO_NEEDS_NAME
        self.reset()
        self.has_greeted = True
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
        """AUTH: contract section 3.3, TLS first. The caller delays and cuts by `identity.failures`."""
        if not self.secure and not self._may_use_plain:
            return replies.TLS_FIRST
        if self.identity.principal is not None:
            return replies.ALREADY_AUTHENTICATED
        if self.transaction is not None:
            return replies.NOT_IN_TRANSACTION
        return await self.identity.authenticate(argument, ask)

    def mail(self, argument: bytes) -> Answer:
        """MAIL FROM."""
        if not self.has_greeted:
            return replies.HELO_FIRST
        if self.transaction is not None:
            return replies.ALREADY_MAIL
        command = parse_mail(argument)
        largest = self.site.settings.max_message_size
        if command.size is not None and command.size > largest:
            return replies.too_large(largest).render()
        if self.identity.principal is not None and self.identity.is_old:
            return self._begin_renewed(self.identity.principal, command)
        self.transaction = Transaction(self.site, command)
        return replies.SENDER_OK

    async def _begin_renewed(self, principal: Principal, command: MailCommand) -> bytes:
        """A long session sees what happened to its credential and server meanwhile."""
        refusal = await self.identity.renew(principal)
        if refusal is not None:
            return refusal
        self.transaction = Transaction(self.site, command)
        return replies.SENDER_OK

    def recipient(self, argument: bytes) -> Answer:
        """RCPT TO (contract section 3.5, api.md 2.9)."""
        transaction = self.transaction
        if transaction is None or not self.has_greeted:
            return replies.MAIL_FIRST
        if transaction.chunks is not None:
            return replies.MIXED_DATA
        try:
            command = parse_rcpt(argument, transaction.mail.smtputf8)
        except Rejected as malformed:
            if self.identity.principal is None:
                return self._malformed(malformed)
            raise
        principal = self.admission.sender_to(command.address)
        if principal is None:
            return self._look_up(transaction, command)
        return self._add(transaction, command, principal)

    async def _malformed(self, refused: Rejected) -> bytes:
        """The reply to a recipient that is none. Who sends by its address is known from then on, as by any other."""
        with suppress(MailError):
            await self.identity.by_address()
        return refused.reply.render()

    async def _look_up(self, transaction: Transaction, command: RcptCommand) -> bytes:
        found = await self.admission.recipient(command.address, transaction)
        if isinstance(found, bytes):
            return found
        added = self._add(transaction, command, found)
        return added if isinstance(added, bytes) else await added

    def _add(
        self, transaction: Transaction, command: RcptCommand, found: Principal | IncomingRecipient
    ) -> Answer:
        if transaction.size >= self.site.settings.max_recipients:
            return replies.TOO_MANY_RECIPIENTS
        if isinstance(found, Principal) and found.server.is_suspended:
            return replies.SUSPENDED
        if self.site.is_full:
            self._log("refused", 452)
            return replies.NO_MEMORY
        if not isinstance(found, Principal):
            transaction.add_incoming(command, found)
            return replies.RECIPIENT_OK
        if self._places.are_wanted(found):
            return self._add_counted(transaction, command, found)
        transaction.add(command)
        return replies.RECIPIENT_OK

    async def _add_counted(
        self, transaction: Transaction, command: RcptCommand, principal: Principal
    ) -> bytes:
        """A recipient who has a place in the send limits."""
        place = await self._places.take(principal)
        if isinstance(place, MailError):
            self._log("deferred", place.reply.code, error=place.code)
            return place.reply.render()
        if self.transaction is not transaction:  # gone
            self._places.give_back([place])
            return replies.MAIL_FIRST
        transaction.places.append(place)
        transaction.add(command)
        return replies.RECIPIENT_OK

    def for_content(self, chunk: int | None = None) -> Transaction | bytes:
        """The transaction that DATA, or BDAT with a chunk of so many bytes, may fill now; else why it may not."""
        if self.transaction is None:
            return replies.RCPT_FIRST
        return self.transaction.content_refusal(chunk) or self.transaction

    def refuse_content(self, refused: Rejected) -> bytes:
        """End the transaction because its content could not be taken."""
        self._log("refused", refused.reply.code, error=refused.code)
        self.reset()
        return refused.reply.render()

    def fail_chunks(self, refusal: bytes) -> None:
        """A chunk was refused, and with it the whole transaction."""
        if self.transaction is not None and not self.transaction.failed:
            self._log("refused", int(refusal[:3]))
            self.transaction.fail()

    async def finish(self, transaction: Transaction) -> bytes:
        """The content is complete: accept the message, and say 250 only after it is durable."""
        prepared: Sequence[Storable] = ()
        try:
            prepared = await self._prepared(transaction)
            # From here on the committer counts what it holds.
            storing = stored(self.site, prepared, secure=self.secure)
            tokens = await self._places.use(transaction.close(), prepared, storing)
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
            reply = replies.queued(tokens)
            self._log("accepted", 250, prepared)
        self.reset()
        return reply

    async def _prepared(self, transaction: Transaction) -> list[Storable]:
        """What is to be stored: a part for each server that takes the mail, and one for what leaves."""
        services, prepared = self.site.services, list[Storable]()
        if transaction.incoming:
            prepared += await services.incoming.prepare(await self._mail(transaction))
        if transaction.recipients:
            prepared.append(await services.accept.prepare(await self._submission(transaction)))
        return prepared

    async def _mail(self, transaction: Transaction) -> IncomingMail:
        """What arrives here, from whom."""
        received = await self._received.render(self._helo, privacy=False)
        content, shared = transaction.content, bool(transaction.recipients)
        if not shared:
            transaction.content = b""
        return IncomingMail(
            mail_from=transaction.mail.address,
            recipients=tuple(transaction.incoming),
            content=content,
            received=received,
            helo=self._helo,
            client=self.peer.address,
            client_name=await self._received.peer_name() or "",
            received_with_ssl=self.secure,
            smtputf8=transaction.mail.smtputf8,
            shared=shared,
        )

    async def _submission(self, transaction: Transaction) -> Submission:
        """What the client hands over; the content is in no other hand than the submission's."""
        principal = self.identity.principal
        if principal is None:
            raise Unauthenticated("Authentication required")
        received = await self._received.render(self._helo, principal.server.privacy_mode)
        content, transaction.content = transaction.content, b""
        return Submission(
            principal=principal,
            mail_from=transaction.mail.address,
            recipients=tuple(transaction.recipients),
            content=content,
            received_with_ssl=self.secure,
            smtputf8=transaction.mail.smtputf8,
            received=received,
            blind=True,
            acceptance=Acceptance(Door.SMTP, self.peer.address, self.trace),
        )

    def _log(
        self, outcome: str, code: int, prepared: Sequence[Storable] = (), error: str = ""
    ) -> None:
        transaction = self.transaction
        started = transaction.started if transaction else self.site.monotonic()
        fields: dict[str, object] = {"trace": self.trace, "outcome": outcome, "code": code}
        fields["ms"] = round((self.site.monotonic() - started) * 1_000, 2)
        if self.identity.principal is not None:
            fields["server_id"] = self.identity.principal.server.id
        fields |= transaction.described(prepared) if transaction else {}
        fields |= {"error": error} if error else {}
        self.site.journal.event("transaction", self.peer.address, **fields)
