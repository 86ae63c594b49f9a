"""A move between a state folder and AWS: which side is which, whether anything serves, and what marks the end.

From the moment at which a folder's last run begins nothing serves it, because what waits in it may be sent from the
other side: until that run has come to its end the folder is marked as moving, then as moved.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

from chalicelib.adapters.sqlite.folder import (
    CONTROL,
    KEY,
    MAIL,
    MOVE_STEPS,
    MOVED,
    MOVING,
    RESTORING,
    StateFolder,
    unfinished,
)
from chalicelib.adapters.sqlite.moved import make_whole
from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.bootstrap import Posthorn, check_aws, on_aws, run
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from onehost.move.move import Move
from onehost.move.steps import Steps
from onehost.serve import held
from onehost.storage.copying import existing, to_itself
from onehost.storage.manifest import write_durably
from onehost.storage.progress import Progress
from onehost.storage.restore import FINISHED, check_empty, place
from onehost.upkeep import Upkeep

_PLACED = ("bodies", "uploads", KEY, CONTROL, MAIL)


def move_to_aws(settings: Settings, progress: Progress) -> bool:
    """Copy the state folder to AWS; False while something serves it, and with that what waits is left. Afterwards the
    folder serves no longer."""
    state = Path(settings.state_folder).absolute()
    existing(state)
    with contextlib.ExitStack() as alone, to_itself(state, "Another move of {} is running"):
        folder = StateFolder(settings, moving=True)
        last = True
        try:
            alone.enter_context(held(settings, folder))
        except PermanentFailure:
            last = False
        source = Posthorn(settings, "sqlite", {StateFolder: folder})
        target = _aws(settings)
        move = Move(source, target, Steps(state / MOVE_STEPS, last), progress)
        run(move.check())
        if last:
            write_durably(state / MOVING, b"Moving to AWS.\n")
            sync_folder(state)
            run(Upkeep(source).feed())  # what has happened and was not counted yet
        run(move.run(last=last))
        if last:
            write_durably(state / MOVED, b"Moved to AWS.\n")
            sync_folder(state)
    return last


def give_up(settings: Settings) -> None:
    """Let a state folder serve again whose move to AWS has not come to its end."""
    state = Path(settings.state_folder).absolute()
    existing(state)
    with to_itself(state, "A move of {} is running"):
        if not (state / MOVING).exists() or (state / MOVED).exists():
            raise PermanentFailure(f"No move of {state} has been stopped before its end")
        Steps(state / MOVE_STEPS, last=True).forget()
        (state / MOVING).unlink()
        sync_folder(state)


def move_from_aws(settings: Settings, progress: Progress, *, last: bool) -> None:
    """Copy an installation on AWS into an empty state folder. Without `last`, which says that nothing serves there,
    what waits is left, and the folder does not serve yet."""
    state = Path(settings.state_folder).absolute()
    check_empty(state)
    made = state / RESTORING
    if made.exists() and any(made.iterdir()) and not any(made.glob("move.*")):
        raise PermanentFailure(unfinished(state))
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with to_itself(state, "Another move into {} is running"):
        if not (made / FINISHED).exists():
            _fill(made, settings, progress, last=last)
        if (made / FINISHED).exists():
            place(made, state, _PLACED)


def _aws(settings: Settings) -> Posthorn:
    """The installation on AWS. PermanentFailure says what is missing to ask there."""
    check_aws()
    return on_aws(replace(settings, state_folder=""))


def _fill(made: Path, settings: Settings, progress: Progress, *, last: bool) -> None:
    """Bring what can be brought into a state folder of its own, with the key that lies beside it."""
    made.mkdir(mode=0o700, exist_ok=True)
    steps = Steps(made / MOVE_STEPS, last)
    steps.begin()
    key = made.parent / KEY
    if key.exists() and not (made / KEY).exists():
        shutil.copy2(key, made / KEY)
    source = _aws(settings)
    target = Posthorn(replace(settings, state_folder=str(made)), "sqlite")
    run(Move(source, target, steps, progress).run(last=last))
    if last:
        make_whole(made)
        write_durably(made / FINISHED, b"Moved from AWS.\n")
        sync_folder(made)
