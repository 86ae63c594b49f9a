"""A certificate and its key put where the settings name them, each file whole or not at all.

Both are read and judged first: they must belong together, be for the name of this host, and be valid now. Whatever is
wrong is told in one sentence, and the files that are there stay. Who installs may be root; the files then belong to who
owns the state folder, and nothing that this user has put in the way is followed.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.errors import PermanentFailure
from onehost.certificates.leaf import Leaf, leaf_of, read_bounded

STAYS = "nothing was changed"


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where a chain and its key lie."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """What is in place now, and whether it was not before."""

    leaf: Leaf
    is_new: bool


def install(source: PairFiles, target: PairFiles, name: str, now: float, owner: Path) -> Installed:
    """Put a pair in place for the host of this name. PermanentFailure, with one sentence, when it cannot be used."""
    chain, key = _read(source.chain), _read(source.key)
    try:
        leaf = leaf_of(chain)
    except ValueError as broken:
        raise _refused(f"{source.chain} has no certificate") from broken
    _judge(source.chain, leaf, name, now)
    if _is_there(target.chain, chain) and _is_there(target.key, key):
        return Installed(leaf, is_new=False)
    drafts = PairFiles(_draft(target.chain), _draft(target.key))
    try:
        _write(drafts.key, key, 0o600, owner)
        _write(drafts.chain, chain, 0o644, owner)
        _check_fit(source, drafts)
        # Between these two nobody finds a pair; the server keeps its own meanwhile.
        drafts.key.replace(target.key)
        drafts.chain.replace(target.chain)
    except OSError as error:
        raise _refused(f"{target.chain.parent} cannot be written: {error.strerror}") from error
    finally:
        for one in (drafts.key, drafts.chain):
            with suppress(OSError):
                one.unlink()
    return Installed(leaf, is_new=True)


def _read(file: Path) -> bytes:
    try:
        return read_bounded(file)
    except OSError as error:
        raise _refused(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise _refused(f"{file} cannot be read: {error}") from error


def _judge(file: Path, leaf: Leaf, name: str, now: float) -> None:
    if not leaf.is_for(name):
        raise _refused(f"{file} is for {leaf.all_names}, and not for {name}")
    if leaf.ends_at <= now:
        raise _refused(f"{file} ended on {leaf.last_day}")
    if leaf.starts_at > now:
        raise _refused(f"{file} is not valid yet; look at the clock")


def _check_fit(source: PairFiles, drafts: PairFiles) -> None:
    """PermanentFailure unless TLS can be spoken with what was written."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Without a password OpenSSL would ask whoever sits at the terminal.
        context.load_cert_chain(drafts.chain, drafts.key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _refused(f"{source.chain} and {source.key} do not belong together") from error
        reason = (error.reason or "no whole PEM text").replace("_", " ").lower()
        text = f"{source.chain} and {source.key} cannot be used: {reason}"
        raise _refused(text) from error


def _is_there(file: Path, content: bytes) -> bool:
    try:
        return read_bounded(file) == content
    except (OSError, ValueError):
        return False


def _draft(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.new")


def _write(path: Path, content: bytes, mode: int, owner: Path) -> None:
    """Write a file that was not there, of the owner of the state folder if we may give it away."""
    whose = owner.stat()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0:
            os.fchown(descriptor, whose.st_uid, whose.st_gid)
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _refused(text: str) -> PermanentFailure:
    return PermanentFailure(f"{text}; {STAYS}")
