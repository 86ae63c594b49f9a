"""When the state folder was last backed up to the end, noted in it by whoever did that."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

NOTE = "backed-up"


def note_backup(state: Path, began_at: float) -> None:
    """Note that a backup of this moment is whole, if that can be noted."""
    new = state / f"{NOTE}.new"
    with suppress(OSError):
        new.write_text(json.dumps({"began_at": began_at}))
        new.chmod(0o600)
        new.replace(state / NOTE)


def last_backup(state: Path) -> float:
    """The moment of the last good backup, epoch seconds; 0 where none is known."""
    try:
        return float(json.loads((state / NOTE).read_text())["began_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
