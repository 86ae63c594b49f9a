"""The machine on which the tests of this folder follow docs/one-host.md, in the order of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vps.machine import PROGRAMS, SOURCES, Machine
from tests.vps.page import Page, read_page
from tests.vps.story import Story
from tests.vps.world import world

ROOT = Path(__file__).resolve().parents[2]
WANTED = "POSTHORN_PLAY_ONE_HOST"


def reason_to_skip() -> str:
    """Why nothing is played here; no text when it is."""
    if os.environ.get(WANTED) != "1":
        return (
            f"boots a Debian machine and fetches its packages: wants {WANTED}=1, as .ci/run sets it"
        )
    if os.geteuid() != 0:
        return "boots a machine in namespaces of its own, which root alone may"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    if not missing and subprocess.run(spaces, capture_output=True, check=False).returncode:
        return "no namespaces may be made here"
    return f"not installed: {', '.join(missing)}" if missing else ""


@pytest.fixture(scope="session")
def page() -> Page:
    return read_page()


@pytest.fixture(scope="session")
def story(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The machine without anything of ours but the sources, in its world."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        put_sources(machine)
        with machine.outside(), world() as others:
            machine.path("/etc/resolv.conf").unlink(missing_ok=True)
            machine.path("/etc/resolv.conf").write_text(f"nameserver {others.zone.address}\n")
            yield Story(machine, page, others)


def put_sources(machine: Machine) -> None:
    """The files of the repository, without what is not kept in it."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            there = machine.path(SOURCES) / name
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, there, follow_symlinks=False)
