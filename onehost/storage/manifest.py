"""What a backup is: which files make it up, of which moment, and whether it was finished.

The manifest is written last and put in place by one renaming, so that a folder has either a whole backup or none, and
keeps its last one while the next is taken. Files may be longer than it says: what came later belongs to the next.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.domain.errors import PermanentFailure

MANIFEST = "manifest.json"
UNFINISHED = "unfinished"
VERSION = 1
_PIECE = 1024 * 1024
_LATEST = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True)
class SavedDatabase:
    """A database in a backup: its file, the version of its schema, its bytes and their SHA-256."""

    file: str
    schema: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished backup. `installation` tells installations apart; `files` are paths in state folder and backup with
    their sizes; `missing` are bodies that the state folder lacked. Epoch seconds."""

    installation: str
    began_at: float
    ended_at: float
    databases: Mapping[str, SavedDatabase]
    files: Mapping[str, int]
    missing: tuple[str, ...] = ()
    version: int = field(default=VERSION)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; PermanentFailure when it has no finished backup, or one that cannot be read."""
    path = folder / MANIFEST
    if not path.exists():
        if (folder / UNFINISHED).exists():
            raise PermanentFailure(f"The backup in {folder} was not finished: take it again")
        if inside := sorted(folder.glob(f"*/{MANIFEST}")):
            raise PermanentFailure(
                f"There is no backup in {folder} itself: name one of its folders, such as {inside[-1].parent}"
            )
        raise PermanentFailure(f"There is no backup in {folder}")
    try:
        found = json.loads(path.read_bytes())
        if found["version"] > VERSION:
            raise PermanentFailure(f"The backup in {folder} was taken by a newer release")
        databases = {name: SavedDatabase(**one) for name, one in found.pop("databases").items()}
        manifest = Manifest(databases=databases, **{**found, "missing": tuple(found["missing"])})
        _check(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PermanentFailure(
            f"The backup in {folder} is damaged: {path} is no manifest"
        ) from error
    return manifest


def _check(manifest: Manifest) -> None:
    """ValueError, TypeError or AttributeError for what no backup has said of itself: moments and sizes that are none,
    and paths out of its folder."""
    for moment in (manifest.began_at, manifest.ended_at):
        if not 0 <= moment <= _LATEST:
            raise ValueError("a moment that is none")
    sizes: list[Any] = [
        *manifest.files.values(),
        *(one.size for one in manifest.databases.values()),
    ]
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError("a size that is none")
    for name in (*manifest.files, *manifest.missing):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise ValueError("a path out of the backup")
    for one in manifest.databases.values():
        if "/" in one.file or one.file in ("", ".", ".."):
            raise ValueError("a database out of the backup")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make this the backup of the folder, durably."""
    new = folder / f"{MANIFEST}.new"
    write_durably(new, json.dumps(asdict(manifest), indent=1).encode())
    new.rename(folder / MANIFEST)
    (folder / UNFINISHED).unlink(missing_ok=True)
    sync_folder(folder)


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file for its user alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
