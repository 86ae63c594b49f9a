"""What a change of a message did first, for counters that count it once."""

from __future__ import annotations

from enum import IntEnum

from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import MessageRecord, Scope


class First(IntEnum):
    """PLACED: it is known now who receives for the recipient's domain, or it failed before anybody asked. SPAM: mail
    that came in was found to be spam. SENT and FAILED: outgoing mail was sent, and failed for good or was bounced; then
    REFUSED and RETURNED: for a reason that is about its recipient, before it was sent and after. The numbers are
    stored, and add up."""

    PLACED = 1
    SPAM = 2
    SENT = 4
    FAILED = 8
    REFUSED = 16
    RETURNED = 32


def firsts(before: MessageRecord, after: MessageRecord) -> int:
    """The sum of what is first true of `after`; nought for most changes."""
    if after.message.scope is Scope.INCOMING:
        return First.SPAM.value if _is_spam(after) and before.inspection is None else 0
    found = 0
    if before.sent_at is None and after.sent_at is not None:
        found |= First.SENT.value
    if before.failed_at is None and after.failed_at is not None:
        found |= First.FAILED.value
        found |= fault_of_recipient(after) or 0
    unplaced = before.provider is None and before.failed_at is None
    if unplaced and (after.provider is not None or after.failed_at is not None):
        found |= First.PLACED.value
    return found


def fault_of_recipient(failed: MessageRecord) -> First | None:
    """How a message that has just failed for good did so, where that is about its recipient: an outage of ours or of a
    provider, or a report for which nobody vouches, is not."""
    if not failed.deliveries or failed.deliveries[-1].about_us:
        return None
    return First.REFUSED if failed.sent_at is None else First.RETURNED


def _is_spam(record: MessageRecord) -> bool:
    found = record.inspection
    return found is not None and found.spam.status is SpamStatus.SPAM
