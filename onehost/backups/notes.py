"""How the last backup, the last hook and the last proof ended, noted in the state folder by whoever ran them.

Who cannot note it, because the disk is full, has made a backup nevertheless; what cannot be read counts as absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

NOTES = "backups.json"
_NEW = "backups.new"
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Notes:
    """Epoch seconds, 0 for never; a failure is one sentence, empty where there was none.

    folder: where dated backups are. tried_at: the last run, and why it failed. hooked_at: the last hook, and why it
    failed. proof_tried_at: the last proof, and what it found; proven_at: the last good one, proven: of which backup.
    refused: the backups that a proof found not to be good. doubted: files in which a proof found damage; the next
    backup copies them anew.
    """

    folder: str = ""
    tried_at: float = 0.0
    failure: str = ""
    hooked_at: float = 0.0
    hook_failure: str = ""
    proof_tried_at: float = 0.0
    proof_failure: str = ""
    proven_at: float = 0.0
    proven: str = ""
    refused: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()


def _texts(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()


_MOMENTS = ("tried_at", "hooked_at", "proof_tried_at", "proven_at")
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_MOMENTS, float),
    **dict.fromkeys(("refused", "doubted"), _texts),
}


def read_notes(state: Path) -> Notes:
    """What was noted; nothing where nobody noted anything that can be read."""
    try:
        found = json.loads((state / NOTES).read_bytes())
        known = {one.name: found[one.name] for one in fields(Notes) if one.name in found}
        return Notes(**{name: _KINDS.get(name, str)(value) for name, value in known.items()})
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return Notes()


def write_notes(state: Path, notes: Notes) -> None:
    """Put these in place of what was noted, if that can be done."""
    new = state / _NEW
    with suppress(OSError):
        new.write_text(json.dumps(asdict(notes)))
        new.chmod(0o600)
        new.replace(state / NOTES)


def sentence(text: str) -> str:
    """A failure as one line that is not too long to note."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]}…"
