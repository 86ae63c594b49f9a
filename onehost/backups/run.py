"""The daily work: a dated backup, fewer old ones, the hook that takes it off the host, and each week a proof.

Each step that fails is noted and told, and leaves what the steps before it have made. Only one run at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chalicelib.adapters.sqlite.folder import sentence_of
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from onehost.backups.dated import all_of, check_folder, clear, rotate
from onehost.backups.hook import run_hook
from onehost.backups.notes import read_notes, sentence, write_notes
from onehost.backups.proof import Proof, prove, refused_by
from onehost.backups.take import Taken, take_dated
from onehost.options import Options
from onehost.storage.copying import existing, own_folder, to_itself
from onehost.storage.progress import Progress

# A daily timer is not on the second: six and a half days make it the seventh run.
PROOF_EVERY = 6.5 * DAY
BUSY = "Another backup into {} is running"
CLOCK_SET_BACK = "The clock was set back: the backup before began later than it is now"
NO_FOLDER = "No folder for backups is set: name one as backup_folder in the settings file"


@dataclass(slots=True)
class Outcome:
    """What a run did. `failures` are sentences; without any all is well."""

    taken: Taken | None = None
    removed: list[str] = field(default_factory=list)
    proven: str = ""
    failures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Backups:
    """The dated backups of a state folder."""

    def __init__(self, state: Path, options: Options, clock: Clock, progress: Progress) -> None:
        self._state = state
        self._options = options
        self._clock = clock
        self._progress = progress

    @property
    def folder(self) -> Path:
        """Where they are; PermanentFailure when that is not set."""
        if not self._options.backup_folder:
            raise PermanentFailure(NO_FOLDER)
        return Path(self._options.backup_folder).absolute()

    def run(self, *, anew: bool = False) -> Outcome:
        """The daily work. `anew` begins in an empty folder though backups were made in this one. PermanentFailure when
        another run has the folder."""
        done = Outcome()
        if not self._is_usable(done):
            return done
        with to_itself(self.folder, BUSY):
            clear(self.folder)
            self._follow(done, "failure", lambda: self._take(done, anew))
            self._note(tried_at=self._clock.now())
            if done.taken is None:
                return done
            self._hook(done, done.taken)
            notes = read_notes(self._state)
            # One that lies ahead was made before the clock was set back.
            if notes.proof_failure or not 0 <= self._clock.now() - notes.proven_at < PROOF_EVERY:
                self._prove(done)
        return done

    def prove(self) -> Outcome:
        """Restore the newest one in a folder of its own, and check it. PermanentFailure as `run`."""
        done = Outcome()
        check_folder(self.folder, self._state)
        with to_itself(self.folder, BUSY):
            clear(self.folder)
            self._prove(done)
        return done

    def _is_usable(self, done: Outcome) -> bool:
        """Whether the folder is there, and ours; otherwise that is noted."""
        _ = self.folder
        existing(self._state)
        self._follow(done, "failure", lambda: check_folder(self.folder, self._state))
        if done.failures:
            self._note(tried_at=self._clock.now())
        return not done.failures

    def _take(self, done: Outcome, anew: bool) -> None:
        earlier, notes = all_of(self.folder), read_notes(self._state)
        if not earlier and notes.folder == str(self.folder) and not anew:
            raise PermanentFailure(
                f"{self.folder} is empty, though backups were made there: is its disk mounted? `posthorn backups run"
                " --anew` begins anew"
            )
        if earlier and earlier[-1].began_at > self._clock.now():
            done.remarks.append(CLOCK_SET_BACK)
        taken = take_dated(
            self._state, self.folder, earlier, notes.doubted, self._clock, self._progress
        )
        done.taken = taken
        self._note(folder=str(self.folder), doubted=())
        needed = {notes.proven} if notes.proof_failure else set()  # the last that is known to work
        done.removed = rotate(self.folder, self._options.backup_keep, needed)
        if missing := taken.manifest.missing:
            raise PermanentFailure(
                f"Bodies of messages were missing already, in {len(missing)} files: look at `posthorn check`"
            )

    def _hook(self, done: Outcome, taken: Taken) -> None:
        if not self._options.backup_hook:
            self._note(hooked_at=0.0, hook_failure="")
            return

        def call() -> None:
            failure = run_hook(self._options.backup_hook, taken, self._options.backup_hook_seconds)
            if failure:
                raise PermanentFailure(failure)

        self._follow(done, "hook_failure", call)
        self._note(hooked_at=self._clock.now())

    def _prove(self, done: Outcome) -> None:
        now, proof = self._clock.now(), Proof()

        def call() -> None:
            nonlocal proof
            found = all_of(self.folder)
            if not found:
                raise PermanentFailure(f"There is no backup in {self.folder}")
            place = Path(self._options.backup_proof_folder or self.folder).absolute()
            own_folder(place, "There is no folder {} to restore into")
            proof = prove(found[-1], place, self._state, now, self._progress)
            self._note(refused=refused_by(proof, found, read_notes(self._state).refused))
            if proof.failure:
                raise PermanentFailure(proof.failure)
            done.proven = found[-1].path.name
            self._note(proven_at=now, proven=done.proven)

        self._follow(done, "proof_failure", call)
        self._note(proof_tried_at=now, doubted=proof.damaged)

    def _follow(self, done: Outcome, name: str, step: Callable[[], None]) -> None:
        """Do a step; how it failed is noted under this name, and told."""
        text = ""
        try:
            step()
        except PermanentFailure as refused:
            text = sentence(refused.public)
        except OSError as failed:
            text = sentence(sentence_of(failed))
        if text:
            done.failures.append(text)
        self._note(**{name: text})

    def _note(self, **changed: Any) -> None:
        write_notes(self._state, replace(read_notes(self._state), **changed))
