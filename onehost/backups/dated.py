"""The folder of dated backups: which there are, and which go.

Their names begin with a number that rises with each, so that a clock that was set back puts no backup behind an older
one. Whatever is being made or removed has a name of its own; what a killed run left of that goes with the next.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.domain.errors import PermanentFailure
from onehost.storage.copying import own_folder, to_itself
from onehost.storage.manifest import MANIFEST, Manifest, read_manifest

MAKING, REMOVING, PROVING = "making", "removing", "proving"
_NAME = re.compile(r"(\d{6,9})-\d{8}T\d{6}Z")
_BESIDE = {MAKING, REMOVING, PROVING, "lost+found"}


@dataclass(frozen=True, slots=True)
class Dated:
    """One finished backup."""

    path: Path
    number: int

    @property
    def manifest(self) -> Manifest:
        """What it is; PermanentFailure when that cannot be read."""
        return read_manifest(self.path)

    @property
    def began_at(self) -> float:
        """Its moment, epoch seconds; 0 when that cannot be read."""
        try:
            return self.manifest.began_at
        except PermanentFailure:
            return 0.0

    @property
    def is_good(self) -> bool:
        """Whether it can be read and lacks nothing."""
        try:
            return not self.manifest.missing
        except PermanentFailure:
            return False


def check_folder(folder: Path, state: Path) -> None:
    """PermanentFailure unless this is a folder of ours for backups, apart from the state folder. It is never made
    here: on a disk that is not mounted it is absent, and a backup must not fill the disk below."""
    check_apart(folder, state)
    own_folder(folder, "There is no folder {}: is its disk mounted? Nothing is made in its place")
    for path in sorted(folder.iterdir()):
        if path.name not in _BESIDE and not _NAME.fullmatch(path.name):
            raise PermanentFailure(
                f"{folder} has {path.name} in it, which is no dated backup: name a folder of its own for them"
            )


def check_apart(folder: Path, state: Path) -> None:
    """PermanentFailure for a folder in the state folder or in a backup, whose files are theirs alone."""
    found = folder.resolve()
    if found.is_relative_to(state.resolve()):
        raise PermanentFailure(f"{folder} lies in the state folder itself")
    for above in found.parents:
        if (above / MANIFEST).exists():
            raise PermanentFailure(f"{folder} lies in the backup {above}, which would remove it")


def all_of(folder: Path) -> list[Dated]:
    """Those that are there, the oldest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name and (path / MANIFEST).exists():
            found.append(Dated(path, int(name[1])))
    return sorted(found, key=lambda one: one.number)


def next_name(earlier: list[Dated], now: float) -> str:
    """The name of the next one."""
    number = earlier[-1].number + 1 if earlier else 1
    return f"{number:06d}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(max(0.0, now)))}"


def clear(folder: Path) -> None:
    """Remove what a killed run left."""
    for name in (MAKING, REMOVING, PROVING):
        with suppress(OSError):
            _remove(folder / name)


def _remove(path: Path) -> None:
    """Remove a folder with all that is in it, or the link to one that somebody keeps elsewhere."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path)


def rotate(folder: Path, keep: int, needed: Collection[str]) -> list[str]:
    """Remove all but the newest `keep`, the newest one that lacks nothing, and those that are needed; their names."""
    found = all_of(folder)
    good = [one.path.name for one in found if one.is_good][-1:]
    gone = [one.path for one in found[:-keep] if one.path.name not in {*good, *needed}]
    return [path.name for path in gone if _is_gone(path)]


def _is_gone(path: Path) -> bool:
    """Remove a backup, unless somebody restores it at this moment; then it goes with a later run."""
    with suppress(PermanentFailure), to_itself(path, "{} is being restored"):
        path.rename(path.with_name(REMOVING))
        sync_folder(path.parent)
        _remove(path.with_name(REMOVING))
        return True
    return False
