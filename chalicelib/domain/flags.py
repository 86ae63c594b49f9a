"""Which of the lists of what needs a look a message record is in: at most one, which follows from the record alone."""

from __future__ import annotations

from chalicelib.domain.model import MessageRecord, State, Status

FLAGS = ("held", "queued", "scheduled", "failed", "bounced")


def flag_of(record: MessageRecord) -> str | None:
    """The flag list of a record: `held`, `queued` (failed softly and not over), `scheduled`, `failed`, `bounced`,
    or None.

    A leased message stays where it was, so that a claim never moves an index key.
    """
    if record.held or record.state is State.HELD:
        return "held"
    if record.status in (Status.SOFT_FAIL, Status.ERROR) and record.state is not State.DONE:
        return "queued"
    if record.sends_at is not None and record.state is not State.DONE:
        return "scheduled"
    if record.status is Status.HARD_FAIL:
        return "failed"
    if record.status is Status.BOUNCED:
        return "bounced"
    return None
