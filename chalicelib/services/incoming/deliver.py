"""Handing an incoming message to the endpoint that it is for, by the sender for endpoints of that type."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.incoming.checks import (
    ENDPOINT_DISABLED,
    NO_ENDPOINT,
    Decision,
    Fail,
    Hold,
)
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, EndpointType
from chalicelib.services.incoming.address_endpoint import AddressEndpoint
from chalicelib.services.incoming.attempt import EndpointSender, IncomingAttempt
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.incoming.http_endpoint import PostToEndpoint
from chalicelib.services.incoming.smtp_endpoint import SmtpEndpoint
from chalicelib.services.limits.take_place import TakePlace
from chalicelib.services.queue.store_outcome import best_effort, log_fields
from chalicelib.services.tenancy.last_use import LastUse

LOG = logging.getLogger("posthorn.incoming")
WANTS_NO_MORE = "The endpoint answered that it is gone."


class DeliverToEndpoint:
    """The step that hands the message on."""

    def __init__(
        self,
        endpoints: Endpoints,
        uses: LastUse,
        http: PostToEndpoint,
        smtp: SmtpEndpoint,
        address: AddressEndpoint,
        places: TakePlace,
    ) -> None:
        self._endpoints = endpoints
        self._uses = uses
        self._places = places
        self._senders: Mapping[EndpointType, EndpointSender] = {
            EndpointType.HTTP: http,
            EndpointType.SMTP: smtp,
            EndpointType.ADDRESS: address,
        }

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Keep what the endpoint said. Never raises for what the world does, but LimitUnknown."""
        endpoint = attempt.facts.endpoint
        if endpoint is None:
            return Fail(NO_ENDPOINT)
        if not endpoint.enabled:
            return Hold(ENDPOINT_DISABLED)
        if endpoint.type is EndpointType.ADDRESS and (held := await self._counted(attempt)):
            return held
        sender = self._senders[endpoint.type]
        attempt.said = await sender.deliver(attempt, endpoint)
        await self._uses.note(ENDPOINTS, endpoint)
        if attempt.said.disables:
            LOG.warning("endpoint disabled", extra={"fields": log_fields(attempt.record.message)})
            with suppress(NotFound):
                await best_effort(self._endpoints.disable(endpoint, WANTS_NO_MORE))
        return None

    async def _counted(self, attempt: IncomingAttempt) -> Decision | None:
        """What is forwarded counts as outgoing mail does, and is held where a limit refuses (api.md 2.16)."""
        place = await self._places.run(attempt.record, attempt.facts.server)
        if place is not None and place.hold is not None:
            return Hold(place.words, place.hold)
        if place is not None:
            attempt.record = replace(attempt.record, counted=True)
        return None
