"""What was changed in place in the state folder after a backup copied it: bytes that were erased go from the backup.

Only files that nobody appends to are looked at, and only once the backup is whole, because the one before may name what
went. A file that lacks a body of this backup was not erased in but damaged: the copy of it stays.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from chalicelib.adapters.sqlite.bodies import Bodies, file_of
from chalicelib.adapters.sqlite.folder import MAIL
from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.adapters.sqlite.snapshot import bodies_of_messages, opened_to_read
from onehost.storage.copying import copy_whole, is_as_copied, size_of
from onehost.storage.manifest import Manifest
from onehost.storage.progress import Progress


def copy_changes(
    state: Path, target: Path, manifest: Manifest, ended: Collection[str], progress: Progress
) -> None:
    """Copy such files anew into the backup, of those that have ended."""
    changed = {name for name in ended if _has_changed(state / name, target / name)}
    if not changed:
        return
    sound = sorted(changed - _damaged(state, target, manifest, changed))
    for done, name in enumerate(sound):
        progress.at("changed files", done, len(sound))
        with suppress(FileNotFoundError):  # its time was over
            copy_whole(state / name, target / name)
        sync_folder((target / name).parent)


def _has_changed(source: Path, target: Path) -> bool:
    try:
        return not is_as_copied(source, target)
    except FileNotFoundError:
        return False  # its time was over


def _damaged(state: Path, target: Path, manifest: Manifest, changed: Collection[str]) -> set[str]:
    """Those in which something is missing that the backup names."""
    found = {name for name in changed if size_of(state / name) < manifest.files[name]}
    with (
        opened_to_read(target / manifest.databases[MAIL].file) as db,
        Bodies(state) as bodies,
    ):
        for server, key, ref in bodies_of_messages(db):
            name = file_of(ref.key)
            if name in changed and bodies.fault(ref, server, key):
                found.add(name)
    return found
