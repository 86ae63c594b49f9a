"""Submission over HTTP: a draft or a finished message becomes an accepted one, alone or in a batch.

Drafts are stamped here (Message-ID, date, boundaries) and get the trace field of contract section 2.2; finished
messages are taken byte for byte. Acceptance itself, with everything it refuses, is `AcceptMail`. A batch is prepared
item by item and stored at once: an item that is refused does not touch the others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.compose import Draft, Stamp, compose
from chalicelib.domain.errors import MailError, NotFound, Rejected
from chalicelib.domain.message import read_headers
from chalicelib.domain.received import received_field, rfc2822_date
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy import Server
from chalicelib.ports import BlobStore, Clock, Rand, Resolver, UploadTicket
from chalicelib.services.accept import Accepted, AcceptMail, Prepared, Recipient, Submission
from chalicelib.services.authenticate import Grant

PTR_PATIENCE = 1.0
MOST_PTR_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Order:
    """One message to send: a draft, or `content` as it is. Addresses are the envelope's; `mail_from` may be empty."""

    mail_from: str
    recipients: tuple[str, ...]
    draft: Draft | None = None
    content: bytes = b""
    tag: str | None = None
    bounce: bool = False
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was accepted: the Message-ID without brackets (None when there is none) and one answer a recipient."""

    message_id: str | None
    accepted: tuple[Accepted, ...]


class SubmitMail:
    """The use cases behind the sending endpoints."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        resolver: Resolver,
        blobs: BlobStore,
        accept: AcceptMail,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._resolver = resolver
        self._blobs = blobs
        self._accept = accept
        self._names: dict[str, str | None] = {}

    async def submit(self, grant: Grant, order: Order, client_address: str) -> Receipt:
        """Accept one message. Raises Rejected, SenderRefused, TemporaryFailure; then nothing was promised."""
        outcome = (await self.submit_all(grant, [order], client_address))[0]
        if isinstance(outcome, MailError):
            raise outcome
        return outcome

    async def submit_all(
        self, grant: Grant, orders: Sequence[Order], client_address: str
    ) -> list[Receipt | MailError]:
        """Accept several messages: a receipt, or why not, for each. Raises TemporaryFailure when storing fails."""
        outcomes = [await self._prepare(grant, order, client_address) for order in orders]
        await self._accept.store([made for made in outcomes if isinstance(made, Prepared)])
        return [_receipt(made) if isinstance(made, Prepared) else made for made in outcomes]

    async def authorise(self, grant: Grant, draft: Draft) -> None:
        """Raise SenderRefused unless the draft's author may send from this server (contract section 2.6)."""
        bare = replace(draft, text=None, html=None, attachments=())
        stamp = self._stamp(rfc2822_date(self._clock.now()))
        await self._accept.authorised_domain(grant.server, read_headers(compose(bare, stamp)))

    async def upload_ticket(self, server: Server, size: int) -> UploadTicket:
        """Permission to upload one message or attachment. Rejected when it could never be sent."""
        if size > self._settings.max_message_size:
            raise self._too_large(size)
        return await self._blobs.ticket(server.id, size, self._clock.now())

    async def uploaded(self, server: Server, uploads: Sequence[str]) -> list[bytes]:
        """The bytes of finished uploads of this server; NotFound names the first that is missing.

        Rejected when they are together more than one message may hold, before they are read.
        """
        refs = []
        for upload in uploads:
            try:
                refs.append(await self._blobs.uploaded(server.id, upload))
            except NotFound as missing:
                raise NotFound("There is no such upload", upload=upload) from missing
        if (size := sum(ref.length for ref in refs)) > self._settings.max_message_size:
            raise self._too_large(size)
        return [await self._blobs.get(ref) for ref in refs]

    async def _prepare(
        self, grant: Grant, order: Order, client_address: str
    ) -> Prepared | MailError:
        try:
            return await self._accept.prepare(await self._submission(grant, order, client_address))
        except MailError as error:
            return error

    async def _submission(self, grant: Grant, order: Order, client_address: str) -> Submission:
        date = rfc2822_date(self._clock.now())
        content, received = order.content, b""
        if order.draft is not None:
            content = compose(order.draft, self._stamp(date))
            received = await self._trace(grant.server, client_address, date)
        return Submission(
            grant=grant,
            mail_from=order.mail_from,
            recipients=tuple(Recipient(address) for address in order.recipients),
            content=content,
            tag=order.tag,
            bounce=order.bounce,
            received_with_ssl=True,
            smtputf8=order.smtputf8,
            received=received,
        )

    def _stamp(self, date: str) -> Stamp:
        unique = uuid.UUID(bytes=self._rand.bytes(16), version=4)
        mixed, alternative, related = (f"=_{self._rand.bytes(15).hex()}" for _ in range(3))
        message_id = f"{unique}@{self._settings.return_path_domain}"
        return Stamp(message_id, date, mixed, alternative, related)

    async def _trace(self, server: Server, client_address: str, date: str) -> bytes:
        name = None if server.privacy_mode else await self._peer_name(client_address)
        return received_field(
            helo="api",
            peer_name=name,
            peer_address=client_address,
            by=self._settings.web_hostname,
            protocol="HTTP",
            date=date,
            privacy=server.privacy_mode,
        )

    async def _peer_name(self, address: str) -> str | None:
        """The client's PTR name, kept by address; a slow name server costs its name, not the client's time."""
        if address in self._names:
            return self._names[address]
        try:
            name = await asyncio.wait_for(self._resolver.ptr(address), PTR_PATIENCE)
        except TimeoutError:
            name = None
        if len(self._names) >= MOST_PTR_NAMES:
            self._names.clear()
        self._names[address] = name
        return name

    def _too_large(self, size: int) -> Rejected:
        largest = self._settings.max_message_size
        text = f"Message too large (maximum size {largest // 1_048_576}MB)"
        return Rejected(text, reply=Reply(552, "5.3.4", text), size=size)


def _receipt(prepared: Prepared) -> Receipt:
    accepted = prepared.accepted
    return Receipt(accepted[0].message_id or None if accepted else None, accepted)
