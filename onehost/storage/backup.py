"""A backup of a state folder, taken while mail is taken and delivered.

Databases come first, as of one moment each; then bodies and uploads, which are durable before rows name them: so every
message that was acknowledged before the backup began is in it with its bytes. All of it is copied, so that whatever
becomes of the state folder changes no backup. A further one into the same folder copies only what is new, and then what
was changed in place: bytes that were erased go from there, too. The key is never in it. A backup that does not come to
its end leaves the one before as it was.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from chalicelib.adapters.sqlite.bodies import file_of
from chalicelib.adapters.sqlite.folder import CONTROL, MAIL, make_own
from chalicelib.adapters.sqlite.kept import Copied, kind_of
from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.adapters.sqlite.snapshot import (
    SCHEMAS,
    installation_of,
    named_bodies,
    opened_to_read,
    take_snapshot,
)
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from onehost.storage.changes import copy_changes
from onehost.storage.copying import (
    copy_tail,
    copy_whole,
    existing,
    own_folder,
    to_itself,
)
from onehost.storage.last_backup import note_backup
from onehost.storage.manifest import (
    MANIFEST,
    UNFINISHED,
    Manifest,
    SavedDatabase,
    digest_of,
    read_manifest,
    write_durably,
    write_manifest,
)
from onehost.storage.progress import Progress


def back_up(state: Path, target: Path, clock: Clock, progress: Progress) -> Manifest:
    """As `take`, and note in the state folder when it was whole."""
    made = take(state, target, clock, progress)
    if not made.missing:
        note_backup(state, made.began_at)
    return made


def take(state: Path, target: Path, clock: Clock, progress: Progress) -> Manifest:
    """Take a backup of the state folder into `target`, which is absent, empty, or has earlier ones of it. One sentence
    as PermanentFailure for what stands against it."""
    existing(state)
    if target.resolve().is_relative_to(state.resolve()):
        raise PermanentFailure(f"{target} lies in the state folder itself")
    earlier = _earlier(target)
    try:
        with to_itself(target, "Another backup into {} is running"):
            return _taken(state, target, earlier, clock, progress)
    except OSError as failed:
        if failed.errno != errno.ENOSPC or failed.filename:
            raise
        raise PermanentFailure(f"There is no room left for a backup in {target}") from failed


def _taken(
    state: Path, target: Path, earlier: Manifest | None, clock: Clock, progress: Progress
) -> Manifest:
    write_durably(target / UNFINISHED, b"This backup has not come to its end.\n")
    began_at = clock.now()
    databases = _databases(state, target, progress)
    with opened_to_read(target / databases[CONTROL].file) as db:
        installation = installation_of(db)
    if earlier and earlier.installation not in ("", installation):
        _remove_others(target, earlier)
        raise PermanentFailure(f"{target} has the backup of another installation")
    files = _files(state, target, earlier, began_at, progress)
    with opened_to_read(target / databases[MAIL].file) as db:
        named = named_bodies(db)
    before = earlier.files if earlier else {}
    # What the state folder has lost is not given up here, too.
    files |= {name: before[name] for name in missing_bodies(named, files) if name in before}
    missing = missing_bodies(named, files)
    manifest = Manifest(installation, began_at, clock.now(), databases, files, missing)
    write_manifest(target, manifest)
    _remove_others(target, manifest)
    copy_changes(state, target, manifest, ended_of(list(manifest.files), began_at), progress)
    return manifest


def missing_bodies(named: Mapping[str, int], files: Mapping[str, int]) -> tuple[str, ...]:
    """Files that rows name and that are not there as far as these need them."""
    wanted = {file_of(key): end for key, end in named.items()}
    return tuple(sorted(file for file, end in wanted.items() if files.get(file, -1) < end))


def _earlier(target: Path) -> Manifest | None:
    """The backup that is there already; PermanentFailure when the folder has something else."""
    if target.exists():
        own_folder(target, "{} is no folder")
        if (target / MANIFEST).exists():
            return read_manifest(target)
        if any(target.iterdir()) and not (target / UNFINISHED).exists():
            raise PermanentFailure(f"{target} is not empty, and what is in it is no backup")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    return None


def _databases(state: Path, target: Path, progress: Progress) -> dict[str, SavedDatabase]:
    """A snapshot of each under a name of its own, so that the ones of the backup before stay."""
    saved = {}
    for name in SCHEMAS:
        progress.at(name, (state / name).stat().st_size if (state / name).exists() else 0)
        stem, _, ending = name.partition(".")
        file = f"{stem}-{time.time_ns()}.{ending}"
        schema = take_snapshot(state / name, target / file)
        path = target / file
        saved[name] = SavedDatabase(file, schema, path.stat().st_size, digest_of(path))
    return saved


def _files(
    state: Path, target: Path, earlier: Manifest | None, now: float, progress: Progress
) -> dict[str, int]:
    """Bring over bodies and uploads; all that are there, with their sizes."""
    before = earlier.files if earlier else {}
    found: dict[str, int] = {}
    names = list(names_of(state))
    ended = ended_of(names, now)
    for done, name in enumerate(names):
        progress.at("files", done, len(names))
        try:
            found[name] = _bring(state / name, target / name, before.get(name, 0), name in ended)
        except FileNotFoundError:
            continue  # its time was over
    for folder in {target / parent for name in found for parent in PurePosixPath(name).parents}:
        sync_folder(folder)
    return found


def _bring(source: Path, target: Path, known: int, ended: bool) -> int:
    """Have the file in the backup; its size there. Of what was copied before only `known` bytes are sure."""
    make_own(target.parent)
    if target.exists() and target.samefile(source):
        return (
            target.stat().st_size
        )  # somebody copied the folder by links: `copy_changes` ends that
    if _is_of_others_too(source, target, known) or (ended and not target.exists()):
        return copy_whole(source, target)
    return copy_tail(source, target, known)


def _is_of_others_too(source: Path, target: Path, known: int) -> bool:
    """Whether other backups share a file that would be written to."""
    return target.exists() and target.stat().st_nlink > 1 and source.stat().st_size > known


def names_of(state: Path) -> Iterator[str]:
    """The files that are copied as files, by their paths in the state folder."""
    for path in sorted(state.rglob("*")):
        name = path.relative_to(state)
        kind = kind_of(PurePosixPath(name))
        if kind and kind.copied in (Copied.GROWN, Copied.WHOLE) and path.is_file():
            yield name.as_posix()


def ended_of(names: list[str], now: float) -> set[str]:
    """Those that nobody appends to: uploads, segments of a day that is over everywhere, and all but the last of each
    process."""
    yesterday = time.strftime("%Y%m%d", time.gmtime(now - DAY))
    last: dict[str, tuple[int, str]] = {}
    ended = set(names)
    for name in names:
        _, day, file = PurePosixPath(name).parts
        process, _, number = file.removesuffix(".seg").rpartition("-")
        if process and day >= yesterday:
            last[process] = max(last.get(process, (0, "")), (int(number), name))
    return ended - {name for _, name in last.values()}


def _remove_others(target: Path, manifest: Manifest) -> None:
    """Forget what this backup does not need."""
    kept = {MANIFEST, *manifest.files, *(one.file for one in manifest.databases.values())}
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target).as_posix() not in kept:
            path.unlink()
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
