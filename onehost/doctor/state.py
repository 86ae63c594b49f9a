"""The state folder: whose it is, who may look into it, where it lies, how full that is, and whether the key fits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite import file_system
from chalicelib.adapters.sqlite.control import CHECK_WORD
from chalicelib.adapters.sqlite.control_schema import CONTROL_SCHEMA
from chalicelib.adapters.sqlite.database import check_version, fetched
from chalicelib.adapters.sqlite.folder import (
    CONTROL,
    KEY,
    MAIL,
    check_file_system,
    check_mode,
    check_owner,
    check_whole,
)
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA
from chalicelib.adapters.sqlite.sealing_keys import check_keys, key_file, keys_of
from chalicelib.adapters.sqlite.stored_schema import check_stored
from chalicelib.domain.errors import PermanentFailure
from onehost.doctor.finding import Finding, Findings, failed, not_checked, ok, warning
from onehost.doctor.host import Host
from onehost.storage.reading import reading

OLDEST_PYTHON = (3, 11)
GIB = 1 << 30
NO_FOLDER = "Make it with `posthorn init`"
OTHER_USER = "Run it as that user, or give the folder to the one who serves"
SCHEMAS = {CONTROL: CONTROL_SCHEMA, MAIL: MAIL_SCHEMA}


async def folder(host: Host) -> Findings:
    """Owner, modes and file system."""
    state = host.state
    try:
        if not state.is_dir():
            return [failed(f"There is no state folder {state}", NO_FOLDER)]
        if foreign := list(_refused(check_owner, state, OTHER_USER)):
            return foreign
        found = [
            *_refused(check_mode, state, f"chmod 700 {state}, and look who has seen what is in it"),
            *_refused(check_file_system, state, "Move it to a disk of this machine"),
            *_refused(check_whole, state, "Go on with it, or serve another folder"),
            *_kind(state),
            *_open_files(state),
        ]
    except OSError as error:
        return [failed(f"The state folder {state} cannot be looked at: {error}", NO_FOLDER)]
    return found or [ok(f"{state} is ours alone, on a disk of this machine")]


async def room(host: Host) -> Findings:
    """Free space, for which mail is refused when it runs out."""
    if not host.state.is_dir():
        return [not_checked(f"there is no state folder {host.state}")]
    found = file_system.room_at(host.state)
    text = f"{found.free / GIB:.1f} of {found.total / GIB:.1f} GiB are free"
    if found.free < found.least:
        step = f"Keep {found.least / GIB:.1f} GiB free: remove what is not mail, or shorten how long mail is kept"
        return [failed(text, step)]
    return [ok(text)]


async def versions(host: Host) -> Findings:
    """Python, SQLite, and the schemas of the databases that are there."""
    found = []
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        found.append(failed(f"Python {running} is too old", "Install Python 3.11 or newer"))
    else:
        found.append(ok(f"Python {running}"))
    try:
        check_version()
        found.append(ok(f"SQLite {apsw.sqlite_lib_version()}"))
    except PermanentFailure as old:
        found.append(failed(old.public, "Install the apsw that requirements-local.txt pins"))
    for name, schema in SCHEMAS.items():
        if _is_foreign(host.state):
            found.append(not_checked("the state folder belongs to another user"))
        elif (host.state / name).exists():
            found.append(_schema(host.state / name, len(schema)))
        else:
            found.append(not_checked(f"there is no {name} yet"))
    return found


async def key(host: Host) -> Findings:
    """The key file, and whether it is the one that sealed the secrets."""
    if _is_foreign(host.state):
        return [not_checked("the state folder belongs to another user")]
    if not (host.state / CONTROL).exists():
        return [not_checked(f"there is no {host.state / CONTROL} yet")]
    try:
        keys = keys_of(host.state)
        with reading(host.state / CONTROL) as db:
            for (sealed,) in fetched(db, CHECK_WORD):
                check_keys(keys, sealed, key_file(host.state))
                return _sound_key(host.state)
    except PermanentFailure as wrong:
        step = f"Put the right key back as {host.state / KEY}, mode 0400, or as the credential of the service"
        return [failed(wrong.public, f"{step}; no other opens the secrets")]
    except apsw.Error as error:
        return [not_checked(f"{CONTROL} cannot be read: {error}")]
    return [not_checked("nothing was sealed yet")]


def _sound_key(state: Path) -> Findings:
    path, own = key_file(state), state / KEY
    found = [ok(f"{path} is the one that sealed the secrets")]
    if path != own and own.exists():
        step = f"Take {own} away once the credential is saved in another place"
        found.append(
            warning(f"The key is a credential, and lies in the state folder too: {own}", step)
        )
    return found


def _refused(check: Callable[[Path], None], state: Path, step: str) -> Iterator[Finding]:
    try:
        check(state)
    except PermanentFailure as refused:
        yield failed(refused.public, step)


def _kind(state: Path) -> Iterator[Finding]:
    kind = file_system.kind_of(state)
    if name := file_system.IN_MEMORY.get(kind):
        yield failed(
            f"{state} lies in memory ({name}): all mail is gone when the machine stops",
            "Move it to a disk",
        )
    if name := file_system.UNSURE.get(kind):
        yield warning(
            f"{state} lies on {name}, which may not keep locks and flushes",
            "Move it to a local disk, such as ext4 or XFS",
        )


def _open_files(state: Path) -> Iterator[Finding]:
    loose = [path.name for path in sorted(state.iterdir()) if path.lstat().st_mode & 0o077]
    if loose and not state.stat().st_mode & 0o077:
        names = ", ".join(loose[:5])
        yield warning(
            f"Others could read {names}, if the folder did not keep them out",
            f"chmod go= {state}/*",
        )


def _schema(path: Path, known: int) -> Finding:
    try:
        with reading(path) as db:
            ((version,),) = fetched(db, "PRAGMA user_version")
        check_stored(path, known)
    except PermanentFailure as strange:
        return failed(
            strange.public, "Install the release that wrote it, or restore a backup of this one"
        )
    except apsw.Error as error:
        return failed(f"{path} cannot be read: {error}", "Bring a backup back: `posthorn restore`")
    return ok(f"{path.name} has schema {version}")


def _is_foreign(state: Path) -> bool:
    try:
        check_owner(state)
    except PermanentFailure:
        return True
    except OSError:
        return False
    return False
