"""Whether a backup can be restored: it is restored beside the others, checked, and removed again. Nothing serves it.

A backup whose key is not at hand is not proven: what is sealed in it would be lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chalicelib.adapters.sqlite import file_system
from chalicelib.adapters.sqlite.bodies import Bodies, file_of
from chalicelib.adapters.sqlite.folder import LOCK, MAIL, RESTORING
from chalicelib.adapters.sqlite.snapshot import SCHEMAS, bodies_of_messages, opened_to_read
from chalicelib.domain.errors import PermanentFailure
from onehost.backups.dated import PROVING, Dated, check_apart
from onehost.backups.take import check_room
from onehost.storage.check import faults
from onehost.storage.copying import size_of
from onehost.storage.manifest import MANIFEST, Manifest
from onehost.storage.progress import Progress
from onehost.storage.restore import PLACED, OtherKey, Wishes, restore


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found: a sentence, empty where all is well; and the files that are damaged."""

    failure: str = ""
    damaged: tuple[str, ...] = ()


def prove(one: Dated, place: Path, state: Path, now: float, progress: Progress) -> Proof:
    """Restore it into a folder of its own in `place`, with the key of the state folder, and check that.
    PermanentFailure when nothing could be tried."""
    try:
        manifest = one.manifest
    except PermanentFailure as unreadable:
        return Proof(unreadable.public)
    _check_place(place, state)
    needed = sum(manifest.files.values()) + sum(2 * db.size for db in manifest.databases.values())
    check_room(place, state, needed, "a trial restore")
    with _emptied(place / PROVING) as trial:
        try:
            restore(one.path, trial, Wishes(), now, progress, key_of=state)
            for fault in faults(trial, progress, full=True, key_of=state):
                return Proof(f"The backup in {one.path} was restored, and then: {fault.text}")
        except OtherKey:
            raise
        except PermanentFailure as refused:
            return Proof(refused.public, _damaged(one.path, manifest))
        except OSError:
            raise
        except Exception as broken:  # what is garbled may fail anywhere, and then nothing is proven
            reason = f"{type(broken).__name__}: {broken}"
            return Proof(f"The backup in {one.path} cannot be restored ({reason})")
    return (
        Proof(f"The backup in {one.path} lacks bodies of messages") if manifest.missing else Proof()
    )


@contextmanager
def _emptied(trial: Path) -> Iterator[Path]:
    """A folder that is not there before and after."""
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir(mode=0o700)
    try:
        yield trial
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def _check_place(place: Path, state: Path) -> None:
    check_apart(place, state)
    trial = place / PROVING
    if (place / MANIFEST).exists():
        raise PermanentFailure(f"{place} is a backup: name another folder as backup_proof_folder")
    if trial.is_symlink() or (trial.exists() and not _is_left(trial)):
        raise PermanentFailure(
            f"{trial} has something else in it, which a trial restore would remove: name another folder as"
            " backup_proof_folder"
        )
    if kind := file_system.NETWORK.get(file_system.kind_of(place)):
        raise PermanentFailure(
            f"{place} lies on a network file system ({kind}), where databases cannot be tried: name a folder of this"
            " machine as backup_proof_folder"
        )


def _is_left(trial: Path) -> bool:
    """Whether it is what a killed proof left, or empty."""
    if not trial.is_dir():
        return False
    names = {path.name.partition(".db-")[0] for path in trial.iterdir()}
    return names <= {RESTORING, LOCK, *PLACED, *(name.removesuffix(".db") for name in SCHEMAS)}


def refused_by(proof: Proof, found: Sequence[Dated], earlier: Collection[str]) -> tuple[str, ...]:
    """The names of those backups that a proof, of the newest one now, found not to be good. What is damaged in it is
    damaged in those, too, that share the file."""
    *before, tried = found
    refused = [
        one.path.name
        for one in before
        if one.path.name in earlier or any(_same(one, tried, name) for name in proof.damaged)
    ]
    return (*refused, tried.path.name) if proof.failure else tuple(refused)


def _same(one: Dated, other: Dated, name: str) -> bool:
    try:
        return (one.path / name).samefile(other.path / name)
    except OSError:
        return False


def _damaged(source: Path, manifest: Manifest) -> tuple[str, ...]:
    """Files of messages that are not as they were."""
    found = {name for name, size in manifest.files.items() if size_of(source / name) < size}
    try:
        with (
            opened_to_read(source / manifest.databases[MAIL].file) as db,
            Bodies(source) as bodies,
        ):
            for server, key, ref in bodies_of_messages(db):
                if bodies.fault(ref, server, key):
                    found.add(file_of(ref.key))
    except (PermanentFailure, KeyError):
        pass  # databases are copied anew each time
    return tuple(sorted(found & manifest.files.keys()))
