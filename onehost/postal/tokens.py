"""Tokens and links of messages, which are in the world and stay there: brought with or without the messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.postal.rows import Row, number, text
from chalicelib.domain.postal.wanted import refused
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.services.gather import gather
from onehost.postal.database import Database
from onehost.postal.report import Report
from onehost.postal.tenants import BroughtServer
from onehost.storage.progress import Progress

MESSAGES, LINKS = "message tokens", "link tokens"
SLACK = 1_000  # rows whose transactions may have ended in another order than they were numbered
PAGE = 2_000
_OF_A_MESSAGE = ("id", "token", "rcpt_to", "scope")


class BringTokens:
    """Brings those of one server, from where the run before ended."""

    def __init__(
        self,
        program: Posthorn,
        source: Database,
        brought: BroughtServer,
        report: Report,
        progress: Progress,
    ) -> None:
        self._program = program
        self._source = source
        self._brought = brought
        self._report = report
        self._progress = progress
        self._until = int(program[Clock].now()) + program.settings.tracking_days * DAY

    async def run(self) -> None:
        """Messages, then links."""
        await self._messages()
        await self._links()

    async def _messages(self) -> None:
        mark = known = self._brought.memory.mark(MESSAGES)
        mark = max(0, mark - SLACK)
        while rows := await self._source.after("messages", mark, PAGE, _OF_A_MESSAGE):
            found = [one for row in rows if (one := self._token(row)) is not None]
            if not self._report.dry_run:
                await self._program[ImportedTokens].keep(found)
            mark = int(rows[-1]["id"])
            self._report.count(MESSAGES, "new", sum(one.message > known for one in found))
            self._progress.at(f"{self._brought.server.full_name}: tokens up to message", mark)
            await self._brought.memory.keep_mark(MESSAGES, max(mark, known))

    async def _links(self) -> None:
        """The links of a message have their numbers by their order, so that all of them are read once one is new."""
        known = self._brought.memory.mark(LINKS)
        mark = max(0, known - SLACK)
        while rows := await self._source.after("links", mark, PAGE, ("id", "message_id")):
            messages = {number(row, "message_id") or 0 for row in rows}
            every = await self._source.of("links", "message_id", messages)
            await self._keep_links(every)
            mark = int(rows[-1]["id"])
            self._report.count(LINKS, "new", sum(int(row["id"]) > known for row in rows))
            self._progress.at(f"{self._brought.server.full_name}: links", mark)
            await self._brought.memory.keep_mark(LINKS, max(mark, known))

    async def _keep_links(self, rows: Sequence[Row]) -> None:
        if self._report.dry_run:
            return
        of_messages: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            of_messages[number(row, "message_id") or 0].append(row)
        server = self._brought.server.id
        tokens = [
            ImportedToken(server, token, MessageId(message), self._until, place)
            for message, links in of_messages.items()
            for place, row in enumerate(links, start=1)
            if (token := text(row, "token")) is not None
        ]
        await gather(self._keep(message, links) for message, links in of_messages.items())
        await self._program[ImportedTokens].keep(tokens)

    async def _keep(self, message: int, links: Sequence[Row]) -> None:
        server = self._brought.server
        urls = [text(row, "url") or "" for row in links]
        try:
            await self._program[Engagement].keep_links(
                server.id, MessageId(message), urls, self._until
            )
        except PermanentFailure as failure:
            what = f"the links of message {message} of {server.full_name}"
            self._report.note(refused(what, failure.public))

    def _token(self, row: Row) -> ImportedToken | None:
        token = text(row, "token")
        if token is None or text(row, "scope") == "incoming":
            return None
        recipient = (text(row, "rcpt_to") or "").lower()
        message = MessageId(number(row, "id") or 0)
        return ImportedToken(
            self._brought.server.id, token, message, self._until, recipient=recipient
        )
