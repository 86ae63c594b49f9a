"""How backups stand: what `status`, `doctor`, the checks of each minute and the metrics tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.durations import DAY, HOUR
from onehost.backups.notes import Notes, read_notes
from onehost.storage.last_backup import last_backup

# As the alert rules of infra/prometheus/ have them.
OLD_AFTER = 26 * HOUR
UNPROVEN_AFTER = 8 * DAY


@dataclass(frozen=True, slots=True)
class Standing:
    """`last` is the moment of the last good backup, whoever made it; epoch seconds, 0 for never."""

    last: float
    notes: Notes

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the last run, hook and proof failed, where they did."""
        told = (self.notes.failure, self.notes.hook_failure, self.notes.proof_failure)
        return tuple(filter(None, told))

    def overdue(self, now: float) -> tuple[str, ...]:
        """What should have been done by now."""
        found = []
        if not self.last:
            found.append("There is no good backup yet")
        elif now - self.last > OLD_AFTER:
            found.append(f"The last good backup began {_ago(now - self.last)} ago")
        elif self.last - now > OLD_AFTER:
            found.append("The last good backup began later than it is now: the clock was set back")
        if self.last and not self.notes.proven_at:
            found.append("No backup was proven by restoring it yet")
        elif now - self.notes.proven_at > UNPROVEN_AFTER and self.notes.proven_at:
            found.append(
                f"A backup was last restored to prove it {_ago(now - self.notes.proven_at)} ago"
            )
        return tuple(found)


def standing(state: Path) -> Standing:
    """How the backups of a state folder stand."""
    return Standing(last_backup(state), read_notes(state))


def _ago(seconds: float) -> str:
    return f"{seconds / DAY:.0f} days" if seconds >= 2 * DAY else f"{seconds / HOUR:.0f} hours"
