"""What a person can do with one incoming message beside what all messages have: replay it, and give it up with a
bounce.

The verbs themselves, their conditions and their entry in the audit log are those of
`chalicelib.services.queue.message_actions`.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound, unknown_reference
from chalicelib.domain.incoming.routing import Described, chosen, routes_for
from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.model import Arrival, MessageRecord, Scope, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.read_facts import ReadFacts
from chalicelib.services.incoming.tell_sender import TellSender
from chalicelib.services.queue.bodies import Bodies, Room
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.directory import Directory


class IncomingByHand:
    """Replay and bounce. Raise what the verbs of MessageActions raise."""

    def __init__(
        self,
        settings: Settings,
        messages: MessageStore,
        blobs: BlobStore,
        actions: MessageActions,
        directory: Directory,
        facts: ReadFacts,
        sender: TellSender,
    ) -> None:
        self._messages = messages
        self._blobs = blobs
        self._actions = actions
        self._directory = directory
        self._facts = facts
        self._sender = sender
        self._room = Room(settings.bytes_in_hand)

    async def replay(
        self, server: Server, message: MessageId, endpoint: str | None = None
    ) -> MessageRecord:
        """Route a message and hand it on once more, or hand it to an endpoint of the server without a route. Nothing
        that fails is bounced. InvalidRequest names an endpoint that is not there."""
        record = await self._messages.get(server.id, message)
        if record.message.scope is not Scope.INCOMING:
            raise Conflict(f"Message {message} was not received here")
        arrival = record.message.arrival or Arrival()
        if endpoint is not None:
            if await self._directory.endpoint(server.id, endpoint) is None:
                raise unknown_reference("endpoint", "This server has no such endpoint")
            way = replace(arrival, route_id="", endpoint_id=endpoint)
        else:
            way = await self._routed(record, arrival)
        told = {} if endpoint is None else {"endpoint": endpoint}
        return await self._actions.replay(server.id, message, way, told)

    async def bounce(self, server: Server, message: MessageId) -> MessageRecord:
        """Give a message up that is held or waits, and tell its sender where that is allowed."""
        return await self.tell(server, await self._actions.bounce(server.id, message))

    async def tell(self, server: Server, after: MessageRecord) -> MessageRecord:
        """Tell the sender of a message that was given up, where that is allowed: once, however often it is asked for
        within a day."""
        is_told = after.message.scope is not Scope.INCOMING or after.bounced_as is not None
        if is_told or after.status is not Status.HARD_FAIL:
            return after
        facts = await self._facts.of(after, server, manual=True)
        bodies = Bodies(self._blobs, (), self._room)
        attempt = IncomingAttempt(after, facts, 0, bodies, inspection=after.inspection)
        await self._sender.told(attempt, "", "")
        if attempt.record is not after:
            await self._messages.replace(after, attempt.record)
        return attempt.record

    async def _routed(self, record: MessageRecord, arrival: Arrival) -> Arrival:
        """By which route and endpoint the message goes as routes are now. One that came to a route's own address keeps
        the route, and one for an additional endpoint that endpoint, where they are still there."""
        route = await self._route(record, arrival)
        if route is None:
            return replace(arrival, route_id="", endpoint_id="")
        if arrival.additional and arrival.endpoint_id in route.additional_endpoints:
            return replace(arrival, route_id=route.id)
        return replace(
            arrival, route_id=route.id, endpoint_id=route.endpoint or "", additional=False
        )

    async def _route(self, record: MessageRecord, arrival: Arrival) -> Route | None:
        message = record.message
        if message.bounce:
            return await self._directory.return_path_route(message.server_id)
        if arrival.to and arrival.route_id:
            known = await self._directory.route(message.server_id, arrival.route_id)
            if known is not None:
                return known
        local = message.rcpt_to.rpartition("@")[0]
        known_routes = await self._directory.routes_of(domain_of(message.rcpt_to))
        ours = [one for one in known_routes if one.server_id == message.server_id]
        try:
            content = await self._blobs.get(message.blob)
        except NotFound as gone:
            raise Conflict(f"The content of message {message.id} is no longer kept") from gone
        headers = read_headers(content)
        fields = [(one.name.decode("latin-1"), decode_header(one.value)) for one in headers.fields]
        subject = headers.last_text("subject") or ""
        described = Described(message.mail_from, subject, fields)
        return chosen(routes_for(ours, local), described)
