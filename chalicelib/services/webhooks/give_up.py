"""Giving up a webhook whose receiver is gone or has failed for too long: it is disabled, and its people are told."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.webhooks import Webhook
from chalicelib.ports.repository import Repository
from chalicelib.services.notify_members import NotifyMembers
from chalicelib.services.webhooks.webhooks import Webhooks

SUBJECT = "A webhook was disabled: {name}"
TEXT = """\
The webhook {name} ({id}) of the server {server} was disabled: {reason}.

What waited for it counts as failed, and new events are not kept for it. Once its receiver works, enable it; deliveries
of the last days can be replayed.
"""


class GiveUpWebhook:
    """Disables webhooks by themselves."""

    def __init__(
        self, repository: Repository, webhooks: Webhooks, notify_members: NotifyMembers
    ) -> None:
        self._repository = repository
        self._webhooks = webhooks
        self._notify = notify_members

    async def give_up(self, webhook: Webhook, reason: str) -> Webhook:
        """The webhook, disabled; one that was disabled already stays as it is. Raises TemporaryFailure."""
        try:
            after = await self._webhooks.disable(webhook, reason)
        except NotFound:
            return webhook
        owner, server = await self._owner(webhook)
        told = {"name": webhook.name, "id": webhook.id, "server": server, "reason": reason}
        await self._notify.tell(
            owner, f"webhook {webhook.id}", SUBJECT.format_map(told), TEXT.format_map(told)
        )
        return after

    async def _owner(self, webhook: Webhook) -> tuple[Organization | None, str]:
        try:
            place = Place(of_server(webhook.server_id))
            server = await self._repository.get(SERVERS, place, fresh=False)
            place = Place(ALL_ORGANIZATIONS, server.organization_permalink)
            return await self._repository.get(ORGANIZATIONS, place, fresh=False), server.full_name
        except NotFound:
            return None, str(webhook.server_id)
