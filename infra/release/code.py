"""Which version the sources are, and whether they store things as they did when that version's fixture was written."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path

from infra.release.failure import NotReleased

FIXTURES = Path("tests/data/releases")
ABOUT = "about.json"
WRITE = "python -m tests.release_fixture"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
# What decides how things are stored, and in what.
_STORING = (
    *(f"chalicelib/{layer}/**/*.py" for layer in ("domain", "ports", "services", "adapters")),
    "infra/*.yaml",
)
_ASSIGNED = re.compile(r'^VERSION = "([^"\n]*)"$', re.MULTILINE)
_WHEEL = re.compile(r"posthorn_client-([0-9A-Za-z.]+)-py3")
PROJECT = "pyproject.toml"
_MODULES = ("chalicelib/__init__.py", "clients/python/posthorn_client/version.py")
_PAGE = "docs/python-client.md"


def version_of(root: Path) -> str:
    """The version that the sources say they are, which is the same wherever it stands."""
    wanted = str(tomllib.loads((root / PROJECT).read_text())["project"]["version"])
    if not VERSION.fullmatch(wanted):
        raise NotReleased(f"{PROJECT} has the version {wanted}, which is not of the form 1.2.3")
    said = [(name, _ASSIGNED) for name in _MODULES] + [(_PAGE, _WHEEL)]
    for name, pattern in said:
        for found in pattern.findall((root / name).read_text()) or ["none"]:
            if found != wanted:
                raise NotReleased(f"{PROJECT} has the version {wanted}, and {name} has {found}")
    return wanted


def order_of(version: str) -> tuple[int, ...]:
    """What versions are compared by."""
    return tuple(int(part) for part in version.split("."))


def digest_of_code(root: Path) -> str:
    """Changes whenever the code does that decides how things are stored."""
    digest = hashlib.sha256()
    for pattern in _STORING:
        for path in sorted(root.glob(pattern)):
            name = path.relative_to(root).as_posix()
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def check_fixture(root: Path, version: str) -> None:
    """NotReleased when what this version stores is not kept for the tests of later ones."""
    about = root / FIXTURES / version / ABOUT
    if not about.is_file():
        raise NotReleased(
            f"{FIXTURES / version} has no fixture of {version}: `{WRITE}` writes it, commit it"
        )
    if json.loads(about.read_text()).get("code") != digest_of_code(root):
        raise NotReleased(
            f"the fixture in {FIXTURES / version} was written by other code than this:"
            f" run `{WRITE}` again and commit it"
        )
