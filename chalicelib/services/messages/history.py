"""What became of messages: records, their logs, their bytes and lists of them, always within one server.

The server comes from the credential, so a message of another tenant is not found, whatever its id. Lists may lag by a
few seconds; a message looked up by id is as it stands now.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.conversations import Conversation, conversation_of
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import is_postal_token, read_token
from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.model import Delivery, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.messages import MessageStore

LARGEST_ID = 2**31 - 1
NO_SUCH_MESSAGE = "There is no such message"
MOST_HITS = 500


@dataclass(frozen=True, slots=True)
class Activity:
    """The opens and clicks of one message, oldest first, of the newest 500."""

    opens: tuple[EngagementEvent, ...] = ()
    clicks: tuple[EngagementEvent, ...] = ()


class MessageHistory:
    """Reads messages of one server."""

    def __init__(
        self,
        messages: MessageStore,
        blobs: BlobStore,
        engagement: Engagement,
        settings: Settings,
        clock: Clock,
        imported: ImportedTokens,
    ) -> None:
        self._clock = clock
        self._imported = imported
        self._hostname = settings.smtp_hostname
        self._messages = messages
        self._blobs = blobs
        self._engagement = engagement

    async def record(self, server: ServerId, message: int) -> MessageRecord:
        """The record of a message; NotFound."""
        if not 0 < message <= LARGEST_ID:
            raise NotFound(NO_SUCH_MESSAGE)
        return await self._messages.get(server, MessageId(message))

    async def record_named(self, server: ServerId, name: str) -> MessageRecord:
        """The record of a message by its number or its token, as text; NotFound."""
        if name.isascii() and name.isdigit() and len(name) <= 10:
            return await self.record(server, int(name))
        numbers = read_token(name)
        if numbers is not None and numbers[0] == server:
            with suppress(NotFound):
                return _with_token(await self.record(server, numbers[1]), name)
        brought = await self._brought(server, name)
        if brought is None:
            raise NotFound(NO_SUCH_MESSAGE)
        return _with_token(await self.record(server, brought), name)

    async def number_of(self, server: ServerId, token: str) -> int | None:
        """The number of the message of the server that may have this token; None where none can."""
        numbers = read_token(token)
        if numbers is not None and numbers[0] == server:
            return numbers[1]
        return await self._brought(server, token)

    async def _brought(self, server: ServerId, token: str) -> MessageId | None:
        """The message that came with this token from an installation that was moved in."""
        if not is_postal_token(token):
            return None
        with suppress(NotFound):
            return (await self._imported.get(server, token, self._clock.now())).message
        return None

    async def deliveries(self, record: MessageRecord) -> tuple[Delivery, ...]:
        """The whole log of a message, oldest first."""
        message = record.message
        return await self._messages.deliveries(message.server_id, message.id, message.scope)

    async def conversation(self, record: MessageRecord, delivery: int) -> Conversation:
        """What was said in one of the deliveries of a message; NotFound where nothing was, or it is kept no longer."""
        known = {one.id: one for one in record.deliveries}
        if delivery not in known:
            known = {one.id: one for one in await self.deliveries(record)}
        if delivery not in known:
            raise NotFound("There is no such delivery")
        found = conversation_of(record.message, known[delivery])
        if found is None:
            raise NotFound("Nothing was said in this delivery, or it is no longer kept")
        return found

    async def activity(self, record: MessageRecord) -> Activity:
        """Who opened a message and followed its links. Asks nobody about one that was never opened or clicked."""
        if record.opened_at is None and record.clicked_at is None:
            return Activity()
        message = record.message
        hits = await self._engagement.hits(message.server_id, message.id, MOST_HITS)
        return Activity(
            opens=tuple(hit for hit in hits if hit.kind is EngagementKind.OPEN),
            clicks=tuple(hit for hit in hits if hit.kind is EngagementKind.CLICK),
        )

    async def content(self, record: MessageRecord) -> bytes | None:
        """The bytes of a message as accepted, an incoming one with what inspection found in front and what was forged
        taken out; None when they were purged."""
        try:
            stored = await self._stored(record)
        except NotFound:
            return None
        if record.message.scope is Scope.OUTGOING:
            return stored
        return with_head(stored, record.inspection, self._hostname)

    async def _stored(self, record: MessageRecord) -> bytes:
        """The bytes, also when they were put elsewhere since the record was read."""
        message = record.message
        try:
            return await self._blobs.get(message.blob)
        except NotFound:
            known = await self._messages.get(message.server_id, message.id, message.scope)
            if known.message.blob == message.blob:
                raise
            return await self._blobs.get(known.message.blob)

    async def link(self, record: MessageRecord, seconds: int) -> str | None:
        """Where anybody who has the link can fetch the bytes as accepted for `seconds`; None when no link can name
        just them.

        NotFound when they were purged.
        """
        return await self._blobs.link(record.message.blob, seconds)

    async def page(
        self,
        server: ServerId,
        scope: Scope = Scope.OUTGOING,
        *,
        flag: str | None = None,
        recipient: str | None = None,
        limit: int = 30,
        cursor: str | None = None,
    ) -> Page[MessageRecord]:
        """Newest first: all of a scope, those of one flag (held, queued, failed, bounced), or those for one recipient.

        `recipient` wins over `flag`. Rejected when the cursor was not given out for this list of this server.
        """
        if recipient is not None:
            address = envelope_address(recipient) or recipient
            return await self._messages.by_recipient(server, address, limit, cursor)
        if flag is not None:
            return await self._messages.flagged(server, scope, flag, limit, cursor)
        return await self._messages.page(server, scope, limit, cursor)


def _with_token(record: MessageRecord, token: str) -> MessageRecord:
    """The record; NotFound when it has another token."""
    if record.message.token != token:
        raise NotFound(NO_SUCH_MESSAGE)
    return record
