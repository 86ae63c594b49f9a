"""`make release`: a version of what is committed, in `build/release/`, and its tag.

Refuses unless the tree is clean, the version is the same everywhere and new, the changelog has its dated section and
nothing unreleased, and what it stores is kept as a fixture. Makes the archive of the sources, the wheels of program and
client, the bill of materials, the section of the changelog and SHA256SUMS, the same bytes for the same commit and
tools; then the annotated tag. A release that is refused or fails changes nothing. It uploads nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import package
from infra.archive import NotPackaged
from infra.environment import ROOT
from infra.release import changelog, sbom
from infra.release.archives import source_archive, wheels
from infra.release.code import VERSION, check_fixture, order_of, version_of
from infra.release.failure import NotReleased

SUMS, NOTES = "SHA256SUMS", "RELEASE-NOTES.md"
_EARLIEST, _LATEST = 315_532_800, 2**32 - 1  # of zip, the year 1980; of gzip


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be made: the version, its tag and notes, and the moment that stands in all of its files."""

    version: str
    notes: str
    epoch: int

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def git(root: Path, *arguments: str) -> str:
    """What git says; NotReleased with its words when it fails."""
    try:
        done = subprocess.run(
            ("git", "-C", str(root), *arguments), capture_output=True, text=True, check=False
        )
    except OSError as missing:
        raise NotReleased("git is not installed") from missing
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise NotReleased(f"git {arguments[0]} failed: {said[-1].rstrip('.')}")
    return (
        done.stdout.rstrip()
    )  # what stands at the beginning of the lines of `git status` says something


def checked(root: Path, environment: Mapping[str, str], *, is_new: bool = True) -> Release:
    """What can be released; NotReleased says why nothing can. One that is not new may have its tag."""
    if changed := git(root, "status", "--porcelain").splitlines():
        raise NotReleased(
            f"{len(changed)} files are changed or not committed, such as {changed[0][3:]}"
        )
    version = version_of(root)
    text = (root / "CHANGELOG.md").read_text()
    if is_new:
        tags = git(root, "tag", "--list", "v*").split()
        _check_new(version, tags, changelog.released(text))
    told = changelog.notes(text, version)
    check_fixture(root, version)
    return Release(version, told, _epoch(root, environment))


def _check_new(version: str, tags: Sequence[str], told: Sequence[str]) -> None:
    if f"v{version}" in tags:
        raise NotReleased(f"{version} was released already: there is a tag v{version}")
    others = {*told, *(tag.removeprefix("v") for tag in tags)} - {version}
    released = [one for one in others if VERSION.fullmatch(one)]
    newest = max(released, key=order_of, default="")
    if newest and order_of(newest) > order_of(version):
        raise NotReleased(f"{version} is older than {newest}, which was released before")


def _epoch(root: Path, environment: Mapping[str, str]) -> int:
    text = environment.get("SOURCE_DATE_EPOCH") or git(root, "log", "-1", "--format=%ct")
    if not text.isascii() or not text.isdecimal():
        raise NotReleased(f"SOURCE_DATE_EPOCH is no number of seconds: {text[:40]!r}")
    if len(text) > len(str(_LATEST)) or not _EARLIEST <= int(text) <= _LATEST:
        raise NotReleased(f"SOURCE_DATE_EPOCH is no time that archives can have: {text[:40]}")
    return int(text)


def make(root: Path, release: Release, folder: Path, *, functions: bool = False) -> None:
    """Make the files in an empty folder."""
    bill = sbom.bill_of(root, release.version, release.epoch)
    sources = source_archive(root, release.version, folder, release.epoch)
    with tempfile.TemporaryDirectory() as scratch:
        wheels(sources, folder, Path(scratch), release.epoch)
    (folder / f"posthorn-{release.version}.cdx.json").write_text(bill)
    (folder / NOTES).write_text(release.notes)
    if functions:
        package.build(folder=folder)
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in files]
    (folder / SUMS).write_text("".join(lines))


def finish(root: Path, release: Release, made: Path, target: Path, *, tagging: bool) -> None:
    """Put the files in their place, and set the tag; neither without the other."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise NotReleased(f"{target} is there already: remove it first")
    made.rename(target)
    if not tagging:
        return
    try:
        named = ("--annotate", "--cleanup=whitespace", "--file", str(target / NOTES))
        git(root, "tag", *named, release.tag)
    except NotReleased:
        target.rename(made)
        raise


def run(root: Path, given: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """The release, or with --dry-run what it would be."""
    release = checked(root, environment, is_new=not given.no_tag)
    target = root / "build" / "release" / release.version
    if given.dry_run:
        print(release.notes)
        print(f"{release.version} can be released: {target}, tag {release.tag}")
        return
    build = root / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        made = Path(scratch) / release.version
        made.mkdir(mode=0o755)
        make(root, release, made, functions=given.functions)
        finish(root, release, made, target, tagging=not given.no_tag)
    print((target / SUMS).read_text(), end="")
    print(
        f"{target}" if given.no_tag else f"{target}, tag {release.tag}; push the tag, and publish"
    )


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Exit code 0, or 1 with one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m infra.release", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="check, show, and change nothing")
    parser.add_argument("--no-tag", action="store_true", help="the files of a version alone")
    parser.add_argument("--functions", action="store_true", help="zips and template as well")
    try:
        run(root, parser.parse_args(arguments), os.environ)
    except (NotReleased, NotPackaged, OSError) as error:
        print(f"posthorn: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
