"""What a change of a message did first, for counters that count it once."""

from __future__ import annotations

from enum import IntFlag

from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import MessageRecord, Scope


class First(IntFlag):
    """PLACED: it is known now who receives for the recipient's domain, or it failed before anybody asked. SPAM: it was
    found to be spam. The numbers are stored."""

    PLACED = 1
    SPAM = 2


def firsts(before: MessageRecord, after: MessageRecord) -> int:
    """The sum of what is first true of `after`; nought for most changes."""
    if after.message.scope is Scope.INCOMING:
        return int(First.SPAM) if _is_spam(after) and before.inspection is None else 0
    if before.provider is not None or before.failed_at is not None:
        return 0
    return int(First.PLACED) if after.provider or after.failed_at is not None else 0


def _is_spam(record: MessageRecord) -> bool:
    found = record.inspection
    return found is not None and found.spam.status is SpamStatus.SPAM
