"""Counts what has happened to messages by tag, domain, provider and so on: a consumer of the outbox.

What a change does not tell of its message is read from the store; of a message that is gone nothing is known, and it
counts among those without. Each change counts once, as in `CountChanges`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.changes import Change
from chalicelib.domain.groups import MessageOf, group_additions, unknown_messages
from chalicelib.domain.traits import Traits, traits_of
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.messages import MessageStore
from chalicelib.services.gather import gather


class CountGroups:
    """Adds what changes tell to the counters of groups."""

    def __init__(self, groups: GroupCounts, messages: MessageStore) -> None:
        self._groups = groups
        self._messages = messages

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Count changes of one source, in their order. Raises when a server's could not be counted; taking the same
        changes again then counts the rest."""
        added = group_additions(changes, await self._known(changes))
        # None may still be writing when the changes come again.
        await gather(self._groups.add(source, server, new) for server, new in added.items())
        return {}

    async def _known(self, changes: Sequence[Change]) -> Mapping[MessageOf, Traits]:
        unknown = unknown_messages(changes)
        if not unknown:
            return {}
        records = await self._messages.get_many(unknown)
        return {(one.message.server_id, one.message.id): traits_of(one) for one in records}
