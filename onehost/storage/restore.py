"""A state folder made of a backup: checked first, then copied, then made ready, and put in place by renaming.

Until the last step everything lies in the folder `restoring`, and while that is there nothing serves the state folder.
Whoever is stopped in between runs it again. The key is not in a backup: it lies in the state folder beforehand.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from chalicelib.adapters.sqlite.bodies import Bodies
from chalicelib.adapters.sqlite.folder import (
    CONTROL,
    KEY,
    LOCK,
    MAIL,
    RESTORING,
    check_file_system,
    check_mode,
    check_owner,
    make_own,
)
from chalicelib.adapters.sqlite.inspection import message_faults, noun_faults, structure_faults
from chalicelib.adapters.sqlite.older_schema import read_as_newest
from chalicelib.adapters.sqlite.restored import make_ready
from chalicelib.adapters.sqlite.sealing_keys import key_file, keys_of
from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.adapters.sqlite.snapshot import (
    SCHEMAS,
    check_database,
    named_bodies,
    opened_to_read,
)
from chalicelib.cli.terminal import moment
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.restored import Hold, details_of
from onehost.storage.backup import missing_bodies
from onehost.storage.check import opener
from onehost.storage.copying import copy_tail, own_folder, size_of, sync_file, to_itself
from onehost.storage.manifest import Manifest, digest_of, read_manifest, write_durably
from onehost.storage.progress import Progress

FINISHED = "finished"
_BESIDE = {KEY, LOCK, "lost+found"}
PLACED = ("bodies", "uploads", CONTROL, MAIL)


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was restored: a backup of which moment, and how many messages are held."""

    began_at: float
    held: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to restore: `resend` sends what waits, `damaged` takes a backup although bodies are not in it; `hold_days`
    is how long messages are held."""

    resend: bool = False
    damaged: bool = False
    hold_days: int = 7


def restore(
    source: Path,
    state: Path,
    wishes: Wishes,
    now: float,
    progress: Progress,
    *,
    key_of: Path | None = None,
) -> Restoration:
    """Make an empty or absent state folder of a backup; `key_of` is the one with the key, where that is another. One
    sentence as PermanentFailure for what stands against it; then nothing of the folder has changed."""
    own_folder(source, "There is no backup in {}")
    with to_itself(source, "A backup into {} is running"):
        manifest = read_manifest(source)
        check_empty(state)
        _check_databases(source, manifest, key_of or state)
        _check_files(source, manifest, wishes, progress)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with to_itself(state, "Another restore into {} is running"):
            check_empty(state)
            (state / RESTORING).mkdir(mode=0o700, exist_ok=True)
            held = _restored(source, state, manifest, wishes, now, progress)
    return Restoration(manifest.began_at, held, manifest.missing)


def _restored(
    source: Path,
    state: Path,
    manifest: Manifest,
    wishes: Wishes,
    now: float,
    progress: Progress,
) -> int:
    """Go on where a restore of this backup was placing what it had made ready, or else begin anew."""
    made, finished = state / RESTORING, state / RESTORING / FINISHED
    what = {"began_at": manifest.began_at, "resend": wishes.resend}
    found = json.loads(finished.read_bytes()) if finished.exists() else {}
    if {name: found.get(name) for name in what} != what:
        _clear(state)
        _copy(source, made, manifest, progress)
        found = {**what, "held": _make_ready(made, manifest, wishes, now)}
        write_durably(finished, json.dumps(found).encode())
        sync_folder(made)
    place(made, state, PLACED)
    return int(found["held"])


def check_empty(state: Path) -> None:
    """PermanentFailure unless the folder is absent, or empty but for the key and what a stopped restore left."""
    if not state.exists():
        return
    if not state.is_dir():
        raise PermanentFailure(f"{state} is no folder")
    for check in (check_owner, check_mode, check_file_system):
        check(state)
    left = {RESTORING, *PLACED} if (state / RESTORING).exists() else set()
    if any(path.name not in _BESIDE | left for path in state.iterdir()):
        raise PermanentFailure(f"{state} is not empty: a restore needs an empty state folder")


def _check_databases(source: Path, manifest: Manifest, key_of: Path) -> None:
    for name in SCHEMAS:
        saved = manifest.databases.get(name)
        path = source / saved.file if saved else source / name
        if saved is None or not path.is_file() or digest_of(path) != saved.sha256:
            raise PermanentFailure(
                f"The backup in {source} is damaged: {path.name} is not as it was written"
            )
        check_database(path, name, saved.schema)
        with opened_to_read(path) as db:
            for fault in structure_faults(db, path.name):
                raise PermanentFailure(f"The backup in {source} is damaged: {fault.text}")
    with opened_to_read(source / manifest.databases[CONTROL].file) as db:
        _check_key(db, key_of)


class OtherKey(PermanentFailure):
    """The key that is at hand is not that of the backup, or none is: nothing is known of the backup itself."""


def _check_key(db: Any, state: Path) -> None:
    """PermanentFailure for what is damaged, OtherKey unless the key is there and opens what is sealed."""
    for fault in noun_faults(db, lambda *_: True):
        raise PermanentFailure(f"The backup is damaged: {fault.text}")
    key = key_file(state)
    if not key.exists():
        raise OtherKey(
            f"Put the key file of the installation at {key} first, or give this the credential `{KEY}`: it is in no"
            " backup"
        )
    for fault in noun_faults(db, opener(keys_of(state))):
        raise OtherKey(f"{key} is not the key of this backup: {fault.text}")


def _check_files(source: Path, manifest: Manifest, wishes: Wishes, progress: Progress) -> None:
    """PermanentFailure for bodies that are missing or damaged, unless that is wished."""
    if wishes.damaged:
        return
    sizes = {name: size_of(source / name) for name in manifest.files}
    short = [name for name, size in manifest.files.items() if sizes[name] < size]
    with opened_to_read(source / manifest.databases[MAIL].file) as db, Bodies(source) as bodies:
        read_as_newest(db, SCHEMAS[MAIL])
        lacking = {*short, *missing_bodies(named_bodies(db), sizes)} - set(manifest.missing)
        for name in sorted(lacking):
            _refuse(source, f"{name} is missing or too short")
        for fault in message_faults(db, bodies, lambda done: progress.at("messages checked", done)):
            if fault.place not in manifest.missing:
                _refuse(source, fault.text)


def _refuse(source: Path, text: str) -> None:
    raise PermanentFailure(
        f"The backup in {source} is damaged: {text}; `--damaged` restores what is sound"
    )


def _clear(state: Path) -> None:
    """Take away what a stopped restore left."""
    for path in (*(state / name for name in PLACED), *(state / RESTORING).iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _copy(source: Path, made: Path, manifest: Manifest, progress: Progress) -> None:
    folders = {made}
    for done, name in enumerate(manifest.files):
        progress.at("files", done, len(manifest.files))
        if not (source / name).is_file():
            continue  # only where a damaged backup is wished
        make_own((made / name).parent)
        copy_tail(source / name, made / name)
        folders |= {made / parent for parent in PurePosixPath(name).parents}
    for name, saved in manifest.databases.items():
        progress.at(name, 0, saved.size)
        copy_tail(source / saved.file, made / name)
    for folder in folders:
        sync_folder(folder)


def _make_ready(made: Path, manifest: Manifest, wishes: Wishes, now: float) -> int:
    """Hold what waits, and make the databases durable as they are then."""
    hold = Hold(details_of(moment(manifest.began_at)), now, int(now) + wishes.hold_days * DAY)
    held = make_ready(made, None if wishes.resend else hold, now)
    for name in manifest.databases:
        sync_file(made / name)
    return held


def place(made: Path, state: Path, names: Sequence[str]) -> None:
    """Put what was made ready in its place; the marker goes last."""
    for name in names:
        if (made / name).exists():
            (made / name).rename(state / name)
    sync_folder(state)
    shutil.rmtree(made)
    sync_folder(state)
