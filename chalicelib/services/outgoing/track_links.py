"""Putting tracked links and the open image into outgoing mail, at each attempt afresh.

The stored bytes are never changed. What the links lead to is kept before the message goes out, so that no address is in
the world that leads nowhere; it is kept once, because a message's links have the same numbers at every attempt. A
message with nothing to replace, of a domain without a track domain whose DNS is right, or a bounce, goes out as it is
and costs no write (contract section 7).
"""

from __future__ import annotations

import dataclasses
import logging

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.ids import is_own_token
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.model import Message, MessageRecord, Scope
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.track_domains import DnsStatus, TrackDomain
from chalicelib.domain.tracking.content import Tracked, tracked
from chalicelib.domain.tracking.token import tracking_token
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.directory import Directory

LOG = logging.getLogger("posthorn.tracking")


class TrackLinks:
    """The step that replaces links and adds the image, before anything is signed."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        mac: AddressMac,
        engagement: Engagement,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = directory
        self._mac = mac
        self._engagement = engagement

    async def makes_a_copy(self, message: Message, server: Server) -> bool:
        """Whether `track` may give other bytes than those it gets."""
        domain = await self._directory.verified_domain(server, message.origin.domain)
        return domain is not None and await self._choices(message, server, domain) is not None

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Track the body, and note in the record how many links are kept. Raises TemporaryFailure."""
        attempt.record, attempt.body = await self.track(
            attempt.record, attempt.body, attempt.facts.server, attempt.domain
        )

    async def track(
        self, record: MessageRecord, body: bytes, server: Server, domain: Domain
    ) -> tuple[MessageRecord, bytes]:
        """The record, which says how many links are kept, and the bytes to sign and send. TemporaryFailure when a port
        is away: then nothing has been promised to anyone."""
        message = record.message
        choices = await self._choices(message, server, domain)
        if choices is None or _went_through_another(message, body):
            return record, body
        mac_key = await self._mac.key()
        made = self._made(message, body, server, choices, mac_key)
        if record.links is not None and made.links and len(made.links) != record.links:
            # Another release found other links, and its addresses are out: theirs must keep their meaning.
            LOG.warning("links changed", extra={"fields": {"message_id": message.id}})
            made = self._made(message, body, server, choices, mac_key, replace=False)
        if made.links and record.links is None:
            keep_until = int(self._clock.now()) + self._settings.tracking_days * DAY
            await self._engagement.keep_links(server.id, message.id, made.links, keep_until)
            record = dataclasses.replace(record, links=len(made.links))
        return record, made.content

    async def _choices(
        self, message: Message, server: Server, domain: Domain
    ) -> TrackDomain | None:
        if message.scope is not Scope.OUTGOING or message.bounce:
            return None
        choices = await self._directory.track_domain(server.id, domain.name)
        if choices is None or choices.dns_status is not DnsStatus.OK:
            return None
        return choices

    def _made(  # what the addresses are made of, and the message
        self,
        message: Message,
        body: bytes,
        server: Server,
        choices: TrackDomain,
        mac_key: bytes,
        *,
        replace: bool = True,
    ) -> Tracked:
        site = f"{'https' if choices.ssl_enabled else 'http'}://{choices.name}"

        def token(link: int) -> str:
            return tracking_token(server.id, message.id, link, server.token, mac_key)

        return tracked(
            body,
            choices,
            lambda link: f"{site}/{server.token}/{token(link)}",
            f"{site}/img/{server.token}/{token(0)}",
            replace=replace,
        )


def _went_through_another(message: Message, body: bytes) -> bool:
    """Whether the installation that it was brought from has tracked and signed it already: these bytes are sent."""
    if is_own_token(message.token, message.server_id, message.id):
        return False
    return message.token.encode() in read_headers(body).values(b"x-postal-msgid")
