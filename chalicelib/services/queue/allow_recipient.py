"""Taking the recipient of a message off whatever suppression lists stand against it."""

from __future__ import annotations

from chalicelib.domain.model import Message
from chalicelib.domain.suppression import Asked, SuppressionScope, acting_on
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.suppress import SuppressRecipients
from chalicelib.services.tenancy.directory import Directory


class AllowRecipient:
    """What a release does first when it is to allow the recipient."""

    def __init__(
        self,
        clock: Clock,
        directory: Directory,
        suppressions: SuppressionList,
        suppress: SuppressRecipients,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._suppressions = suppressions
        self._suppress = suppress

    async def run(self, message: Message) -> None:
        """From all lists that act on it. Raises NotFound, TemporaryFailure."""
        for owner, name in acting_on(await self._asked(message)):
            await self._suppress.remove(owner, name)

    async def needs_organization(self, message: Message) -> bool:
        """Whether an organization's list is one of them. Raises NotFound, TemporaryFailure."""
        asked, now = await self._asked(message), self._clock.now()
        first = (await self._suppressions.listed([asked], now)).get(asked)
        return first is not None and first.scope is SuppressionScope.ORGANIZATION

    async def _asked(self, message: Message) -> Asked:
        server = await self._directory.server(message.server_id)
        return Asked(server.id, server.organization_id, message.rcpt_to, message.stream_name)
