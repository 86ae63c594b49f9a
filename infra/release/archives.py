"""The files that are installed: an archive of the sources, and the wheels that are made of it.

Both hold what was committed and nothing else that lies about. They are the same bytes for the same commit, Python and
tools: names in order, one date, fixed modes and owners.
"""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from infra.release.failure import NotReleased

CLIENT = Path("clients/python")
_UMASK = "tar.umask=0022"


def source_archive(root: Path, version: str, folder: Path, epoch: int) -> Path:
    """The sources as committed, as `posthorn-1.2.3.tar.gz`: an sdist, and what `make install` needs."""
    prefix = f"posthorn-{version}"
    git = ("git", "-C", str(root), "-c", _UMASK, "archive", "--format=tar", "HEAD")
    packed = subprocess.run(git, capture_output=True, check=True).stdout
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as given,
        tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        about = f"Metadata-Version: 2.2\nName: posthorn\nVersion: {version}\n".encode()
        _add(made, _as_kept(tarfile.TarInfo(f"{prefix}/PKG-INFO"), epoch, len(about)), about)
        for member in sorted(given.getmembers(), key=lambda one: one.name):
            content = given.extractfile(member) if member.isfile() else None
            member.name = f"{prefix}/{member.name}"
            _add(made, _as_kept(member, epoch, member.size), content.read() if content else b"")
    target = folder / f"{prefix}.tar.gz"
    with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=epoch) as packing:
        packing.write(written.getvalue())
    return target


def _as_kept(member: tarfile.TarInfo, epoch: int, size: int) -> tarfile.TarInfo:
    is_executable = member.isdir() or (member.mode & 0o100 and not member.islnk())
    member.mode = 0o755 if is_executable else 0o644
    member.mtime, member.size = epoch, size
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.pax_headers = {}
    return member


def _add(made: tarfile.TarFile, member: tarfile.TarInfo, content: bytes) -> None:
    made.addfile(member, io.BytesIO(content))


def wheels(sources: Path, folder: Path, scratch: Path, epoch: int) -> list[Path]:
    """The wheels of the program and of the client, of an archive of the sources."""
    with tarfile.open(sources) as tar:
        tar.extractall(scratch, filter="tar")
    (unpacked,) = scratch.iterdir()
    return [_wheel(place, folder, epoch) for place in (unpacked, unpacked / CLIENT)]


def _wheel(sources: Path, folder: Path, epoch: int) -> Path:
    before = set(folder.glob("*.whl"))
    command = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q")
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        (*command, "--no-index", "--wheel-dir", folder, sources),
        env=environment,
        capture_output=True,
        text=True,
        umask=0o022,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotReleased(f"the wheel of {sources.name} was not built: {said[-1]}")
    (made,) = set(folder.glob("*.whl")) - before
    with zipfile.ZipFile(made) as zipped:
        if zipped.testzip() is not None:
            raise NotReleased(f"the wheel of {sources.name} is damaged")
    return made
