"""Tells the index of messages that were there before it: of an installation that had none, or that was moved here.

Goes through servers by number, newest messages first, and writes down after each batch where to go on. What is told
twice is the same.
"""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters.aws.lake.objects import AGAIN, FILLED, LakeObjects, ObjectGone
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.findable import Findable, findable_of
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository

_STATE = "state"
_BEGINNING: dict[str, Any] = {"server": 0, "scope": 0, "cursor": None, "is_done": False}
_SCOPES = tuple(Scope)
PAGE = 100
PAGES_AT_ONCE = 10


class FillLake:
    """A step of the minute, which does nothing once everything was told."""

    def __init__(
        self,
        session: AwsSession,
        settings: Settings,
        repository: Repository,
        messages: MessageStore,
        index: MailIndex,
        clock: Clock,
    ) -> None:
        self._objects = LakeObjects(session, settings)
        self._repository = repository
        self._messages = messages
        self._index = index
        self._clock = clock

    async def run(self, seconds: float) -> int:
        """Go on for about so many seconds; how many messages were told of."""
        state = await self._state()
        if state["is_done"]:
            return 0
        until, told = self._clock.monotonic() + seconds, 0
        for server in await self._servers(state["server"]):
            first = state["scope"] if server == state["server"] else 0
            for scope in range(first, len(_SCOPES)):
                cursor = state["cursor"] if (server, scope) == _place(state) else None
                while True:
                    count, cursor = await self._batch(server, _SCOPES[scope], cursor)
                    told += count
                    if cursor is None:
                        break
                    await self._keep(server=server, scope=scope, cursor=cursor)
                    if self._clock.monotonic() >= until:
                        return told
        await self._keep(is_done=True)
        return told

    async def _servers(self, first: int) -> list[ServerId]:
        """The servers from a number on, in order."""
        found: list[ServerId] = []
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            servers = await self._repository.all(SERVERS, of_organization(one.id))
            found += [server.id for server in servers if server.id >= first]
        return sorted(found)

    async def _batch(
        self, server: ServerId, scope: Scope, cursor: str | None
    ) -> tuple[int, str | None]:
        """Tell of some messages; how many, and where to go on."""
        found: list[Findable] = []
        for _ in range(PAGES_AT_ONCE):
            page = await self._messages.page(server, scope, PAGE, cursor)
            found += map(findable_of, page.values)
            cursor = page.next_cursor
            if cursor is None:
                break
        if found:
            await self._index.put(found)
        return len(found), cursor

    async def _state(self) -> dict[str, Any]:
        try:
            await self._objects.read(FILLED, AGAIN)
        except ObjectGone:
            pass
        else:
            # The place first: a death between the two begins anew once more.
            await self._keep(**_BEGINNING)
            await self._objects.remove([(FILLED, AGAIN)])
        try:
            kept: dict[str, Any] = json.loads(await self._objects.read(FILLED, _STATE))
        except ObjectGone:
            return _BEGINNING
        return _BEGINNING | kept

    async def _keep(self, **state: Any) -> None:
        await self._objects.write(FILLED, _STATE, json.dumps(state).encode())


def _place(state: dict[str, Any]) -> tuple[int, int]:
    return state["server"], state["scope"]
