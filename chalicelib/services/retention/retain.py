"""Each night from three o'clock on, UTC: what the servers keep no longer is forgotten, one server after the other.

Whatever ends a run, the next one of the same night goes on where it was; a night that is done with is not begun again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from chalicelib.domain.retention import Retention, run_of
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.progress import Progress
from chalicelib.ports.repository import Repository
from chalicelib.services.retention.forget_old import ForgetOld

LOG = logging.getLogger("posthorn.retention")
RUN_SECONDS = 180.0
WORK = "retention"


@dataclass(slots=True)
class Night:
    """Where a night's run is: the number of the last server that is done with, and of the next one the day and the
    message behind which its contents go on."""

    run: str = ""
    server: int = 0
    day: str = ""
    after: int = 0
    is_done: bool = False


class Retain:
    """The nightly run, a part at a time."""

    def __init__(
        self,
        repository: Repository,
        clock: Clock,
        forget: ForgetOld,
        contents: Contents,
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._forget = forget
        self._contents = contents
        self._progress = progress

    async def run(self, seconds: float = RUN_SECONDS) -> int:
        """Go on with this night's run for about so many seconds, if it is not done with; how many servers are done with
        now."""
        now, until = self._clock.now(), self._clock.monotonic() + seconds
        night, done = await self._night(run_of(now)), 0
        if night.is_done:
            return 0
        async for server in self._servers(night.server):
            if not await self._server(server, night, now, until):
                await self._keep(night)
                return done
            night.server, night.day, night.after, done = int(server.id), "", 0, done + 1
            await self._keep(night)
        await self._contents.tidy(now)
        night.is_done = True
        await self._keep(night)
        return done

    async def _server(self, server: Server, night: Night, now: float, until: float) -> bool:
        """Whether there is nothing left to do for a server."""
        rules = Retention.of(server)

        def is_over() -> bool:
            return self._clock.monotonic() >= until

        messages = await self._forget.messages(server.id, rules, now, is_over)
        contents = None
        if messages.is_done:
            begin = (night.day, night.after)
            contents = await self._forget.contents(server.id, rules, now, is_over, begin)
            night.day, night.after = contents.day, contents.after
        gone = contents.bytes if contents else 0
        if messages.messages or gone:
            fields = {"server_id": int(server.id), "messages": messages.messages, "bytes": gone}
            LOG.info("retention", extra={"fields": fields})
        return contents is not None and contents.is_done

    async def _servers(self, after: int) -> AsyncIterator[Server]:
        """All servers by number."""
        owners = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
        found = [
            one
            for owner in owners
            for one in await self._repository.all(SERVERS, of_organization(owner.id))
        ]
        for server in sorted(found, key=lambda one: one.id):
            if server.id > after:
                yield server

    async def _night(self, run: str) -> Night:
        text = await self._progress.get(WORK)
        known = Night(**json.loads(text)) if text else Night()
        return known if known.run == run else Night(run)

    async def _keep(self, night: Night) -> None:
        await self._progress.put(WORK, json.dumps(asdict(night)))
