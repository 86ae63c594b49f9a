"""The root of a bare Debian system, made by debootstrap, and this host's settings for packages put into it.

Root and packages are kept in a cache folder, so that the next machine is made in seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.patience import PATIENCE

SUITE = "bookworm"
BEYOND_MINIMAL = "systemd,systemd-sysv,dbus,ca-certificates"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthorn"
KEPT_ROOT = CACHE / f"{SUITE}.tar"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PIP_SETTINGS = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
FETCH_SECONDS = 900.0


def make_root(scratch: Path) -> None:
    """Make the root with debootstrap, unless the cache has it."""
    if KEPT_ROOT.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    made = scratch / "made"
    command = ["debootstrap", "--variant=minbase", f"--include={BEYOND_MINIMAL}", SUITE, str(made)]
    output([*command, *mirror_of_host()], "debootstrap", FETCH_SECONDS)
    draft = KEPT_ROOT.with_suffix(f".{os.getpid()}")
    output(["tar", "-C", str(made), "-cf", str(draft), "."], "tar", PATIENCE * 5)
    draft.replace(KEPT_ROOT)
    shutil.rmtree(made)


def mirror_of_host() -> list[str]:
    """Where this host finds that Debian; nothing where it does not say."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"]
    told = subprocess.run(
        [*command, "Created-By: Packages"], capture_output=True, text=True, check=False
    )
    found = [line.split() for line in told.stdout.splitlines()]
    return [words[0] for words in found if words[1:] == [SUITE]][:1]


def take_settings_of_host(root: Path) -> None:
    """Where apt and pip find packages here, and whom they trust."""
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    dumped = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True
    )
    (root / "etc/apt/apt.conf.d/00host").write_text(dumped.stdout)
    shutil.copy(CERTIFICATES, root / CERTIFICATES.lstrip("/"))
    for name in PIP_SETTINGS:
        file = Path(name).expanduser()
        if file.is_file():
            text = re.sub(r"(?m)^cert\s*=.*$", f"cert = {CERTIFICATES}", file.read_text())
            there = root / name.replace("~", "root").lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(text)


def output(command: Sequence[str], what: str, seconds: float, *, fails: bool = False) -> str:
    """What a command printed. AssertionError when it fails, or, with `fails`, does not."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert (done.returncode != 0) is fails, f"{what}\nended with {done.returncode}:\n{done.stdout}"
    return done.stdout
