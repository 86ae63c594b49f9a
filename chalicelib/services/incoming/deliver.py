"""Handing an incoming message to the endpoint that it is for, by the sender for endpoints of that type."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from chalicelib.config import Settings
from chalicelib.domain.incoming.checks import (
    ENDPOINT_DISABLED,
    NO_ENDPOINT,
    Decision,
    Fail,
    Hold,
)
from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint, EndpointType
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.address_endpoint import AddressEndpoint
from chalicelib.services.incoming.attempt import EndpointSender, IncomingAttempt
from chalicelib.services.incoming.http_endpoint import PostToEndpoint
from chalicelib.services.incoming.smtp_endpoint import SmtpEndpoint
from chalicelib.services.queue.store_outcome import best_effort, log_fields

LOG = logging.getLogger("posthorn.incoming")
WANTS_NO_MORE = "The endpoint answered that it is gone."


class DeliverToEndpoint:
    """The step that hands the message on."""

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        http: PostToEndpoint,
        smtp: SmtpEndpoint,
        address: AddressEndpoint,
    ) -> None:
        self._hostname = settings.smtp_hostname
        self._repository = repository
        self._senders: Mapping[EndpointType, EndpointSender] = {
            EndpointType.HTTP: http,
            EndpointType.SMTP: smtp,
            EndpointType.ADDRESS: address,
        }

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Keep what the endpoint said. Never raises for what the world does."""
        endpoint = attempt.facts.endpoint
        sender = self._senders.get(endpoint.type) if endpoint is not None else None
        if endpoint is None or sender is None:
            return Fail(NO_ENDPOINT)
        if not endpoint.enabled:
            return Hold(ENDPOINT_DISABLED)
        attempt.content = with_head(attempt.stored, attempt.inspection, self._hostname)
        attempt.said = await sender.deliver(attempt, endpoint)
        if attempt.said.disables:
            LOG.warning("endpoint disabled", extra={"fields": log_fields(attempt.record.message)})
            await best_effort(self._disable(endpoint))
        return None

    async def _disable(self, endpoint: Endpoint) -> None:
        await self._repository.note(
            ENDPOINTS, endpoint, enabled=False, disabled_reason=WANTS_NO_MORE
        )
