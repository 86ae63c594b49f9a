"""The messages of a server that a job is about, page by page, both directions unless one is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.messages import MessageStore

_OUT, _IN = "o:", "i:"
_FLAG_OF = {Status.HARD_FAIL: "failed", Status.BOUNCED: "bounced"}


@dataclass(frozen=True, slots=True)
class MailWanted:
    """Which messages, as lists take it."""

    direction: Scope | None = None
    status: str | None = None
    to: str | None = None
    q: str = ""

    @classmethod
    def of(cls, given: dict[str, Any]) -> MailWanted:
        """Of a job's filter."""
        direction = given.get("direction")
        return cls(
            None if direction is None else Scope(direction),
            given.get("status"),
            given.get("to"),
            given.get("q") or "",
        )


class MailFound:
    """Finds them, newest first."""

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def page(
        self, server: ServerId, wanted: MailWanted, limit: int, position: str | None = None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        """Some behind a position, and the position of what follows, None behind the last."""
        if wanted.to is not None:
            page = await self._messages.by_recipient(server, wanted.to, limit, position)
            found = [one for one in page.values if _is_wanted(one, wanted)]
            return found, page.next_cursor
        return await self._of_scopes(server, wanted, limit, position)

    async def _of_scopes(
        self, server: ServerId, wanted: MailWanted, limit: int, position: str | None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        first = _IN if wanted.direction is Scope.INCOMING else _OUT
        at, cursor = (position or first)[:2], (position or first)[2:] or None
        scope = Scope.INCOMING if at == _IN else Scope.OUTGOING
        if wanted.status is None:
            page = await self._messages.page(server, scope, limit, cursor)
        else:
            page = await self._messages.flagged(server, scope, wanted.status, limit, cursor)
        if page.next_cursor is not None:
            return page.values, f"{at}{page.next_cursor}"
        is_last = at == _IN or wanted.direction is not None
        return page.values, None if is_last else _IN


def _is_wanted(record: MessageRecord, wanted: MailWanted) -> bool:
    if wanted.direction not in (None, record.message.scope):
        return False
    return wanted.status in (None, _flag(record))


def _flag(record: MessageRecord) -> str | None:
    if record.held or record.state is State.HELD:
        return "held"
    if record.state is State.DONE:
        return _FLAG_OF.get(record.status)
    return "scheduled" if record.is_scheduled else "queued"
