"""`make release`: all of a version is made of what is committed, the same bytes again; or nothing is changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.environment import ROOT
from infra.release import sbom
from infra.release.__main__ import main
from infra.release.code import digest_of_code
from infra.release.failure import NotReleased
from infra.release.sbom import LISTS

VERSION = "1.2.3"
PROJECT = """\
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"

[project]
name = "posthorn"
version = "1.2.3"

[tool.setuptools.packages.find]
include = ["chalicelib*"]
"""
CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-30

### Added

- Something.

## [1.2.2] - 2026-10-31

- Less.

[1.2.3]: ../../releases/tag/v1.2.3
"""
Refused = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository of which version 1.2.3 can be released."""
    root = tmp_path / "repository"
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    shutil.copytree(ROOT / "clients/python", root / "clients/python", ignore=ignored)
    write(root, "clients/python/posthorn_client/version.py", f'VERSION = "{VERSION}"\n')
    write(root, "chalicelib/__init__.py", f'VERSION = "{VERSION}"\n')
    write(root, "chalicelib/domain/fields.py", "FIELDS = 1\n")
    write(root, "pyproject.toml", PROJECT)
    write(root, "CHANGELOG.md", CHANGELOG)
    write(root, "docs/python-client.md", f"posthorn_client-{VERSION}-py3-none-any.whl\n")
    write(root, ".gitignore", "build/\n*.egg-info/\n")
    for name in LISTS:
        shutil.copy(ROOT / name, root / name)
    about = {"version": VERSION, "code": digest_of_code(root)}
    write(root, f"tests/data/releases/{VERSION}/about.json", json.dumps(about))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "A test")
    git(root, "config", "user.email", "test@acme.test")
    commit(root)
    return root


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", "-C", root, *arguments), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A change")


@pytest.fixture
def refused(root: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a release that is refused; its one sentence."""

    def run(*arguments: str) -> str:
        tags, build = git(root, "tag"), root / "build"
        before = [path for path in build.rglob("*") if path.is_file()]
        capsys.readouterr()
        assert main(arguments, root) == 1
        said = capsys.readouterr()
        assert said.out == ""
        (sentence,) = said.err.splitlines()
        assert sentence.startswith("posthorn: ")
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
        assert git(root, "tag") == tags
        assert [path for path in build.rglob("*") if path.is_file()] == before
        return sentence.removeprefix("posthorn: ")

    return run


@pytest.mark.slow
def test_a_version_is_made_whole_and_can_be_made_again(root: Path) -> None:
    assert main([], root) == 0
    made = root / "build" / "release" / VERSION
    names = sorted(path.name for path in made.iterdir())
    assert names == [
        "RELEASE-NOTES.md",
        "SHA256SUMS",
        "posthorn-1.2.3-py3-none-any.whl",
        "posthorn-1.2.3.cdx.json",
        "posthorn-1.2.3.tar.gz",
        "posthorn_client-1.2.3-py3-none-any.whl",
    ]
    subprocess.run(("sha256sum", "--check", "--quiet", "SHA256SUMS"), cwd=made, check=True)
    assert git(root, "cat-file", "-t", "v1.2.3") == "tag"
    notes = (made / "RELEASE-NOTES.md").read_text()
    assert notes == "# Posthorn 1.2.3 (2026-11-30)\n\n### Added\n\n- Something.\n"
    assert git(root, "for-each-ref", "--format=%(contents)", "refs/tags/v1.2.3") == notes.strip()
    first = (made / "SHA256SUMS").read_bytes()

    # Another clone, with other modes, and with things lying about that are not committed.
    again = root.parent / "again"
    git(root, "clone", "--quiet", str(root), str(again))
    for path in again.rglob("*.py"):
        path.chmod(0o600)
    write(again, "build/lib/chalicelib/left.py", "left = 1\n")
    assert main(["--no-tag"], again) == 0
    assert (again / "build" / "release" / VERSION / "SHA256SUMS").read_bytes() == first


@pytest.mark.slow
def test_archives_have_what_was_committed_and_nothing_else(root: Path) -> None:
    write(root, "chalicelib/tool.sh", "#!/bin/sh\n")
    (root / "chalicelib/tool.sh").chmod(0o755)
    (root / "link").symlink_to("chalicelib")
    commit(root)
    write(root, "build/lib/left.py", "left = 1\n")
    assert main([], root) == 0
    made = root / "build" / "release" / VERSION
    with tarfile.open(made / "posthorn-1.2.3.tar.gz") as tar:
        files = {one.name: one for one in tar.getmembers() if not one.isdir()}
        about = tar.extractfile("posthorn-1.2.3/PKG-INFO")
        assert about is not None
        assert b"\nName: posthorn\nVersion: 1.2.3\n" in about.read()
    committed = {f"posthorn-1.2.3/{name}" for name in git(root, "ls-files").splitlines()}
    assert set(files) == committed | {"posthorn-1.2.3/PKG-INFO"}
    assert files["posthorn-1.2.3/chalicelib/tool.sh"].mode == 0o755
    assert files["posthorn-1.2.3/chalicelib/__init__.py"].mode == 0o644
    assert files["posthorn-1.2.3/link"].issym()
    names = zipfile.ZipFile(made / "posthorn-1.2.3-py3-none-any.whl").namelist()
    assert "chalicelib/domain/fields.py" in names
    assert not [name for name in names if "left" in name]


def test_a_dry_run_shows_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dry-run"], root) == 0
    said = capsys.readouterr().out
    assert "- Something." in said
    assert "1.2.3 can be released" in said
    assert not (root / "build").exists()
    assert git(root, "tag") == ""


CHANGES = {
    "a section is missing": (
        ("CHANGELOG.md", CHANGELOG.replace("[1.2.3] -", "[1.2.1] -")),
        "CHANGELOG.md has no section `## [1.2.3] - YYYY-MM-DD`.",
    ),
    "a section without a date": (
        ("CHANGELOG.md", CHANGELOG.replace("2026-11-30", "soon")),
        "the section of 1.2.3 in CHANGELOG.md has no date.",
    ),
    "an empty section": (
        ("CHANGELOG.md", CHANGELOG.replace("### Added\n\n- Something.\n", "")),
        "the section of 1.2.3 in CHANGELOG.md says nothing.",
    ),
    "something unreleased": (
        ("CHANGELOG.md", CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n")),
        "CHANGELOG.md has entries under [Unreleased]: move them into the section of 1.2.3.",
    ),
    "an older version": (
        ("CHANGELOG.md", CHANGELOG.replace("1.2.2", "1.10.0")),
        "1.2.3 is older than 1.10.0, which was released before.",
    ),
    "another version in the code": (
        ("chalicelib/__init__.py", 'VERSION = "1.2.2"\n'),
        "pyproject.toml has the version 1.2.3, and chalicelib/__init__.py has 1.2.2.",
    ),
    "no version in the code": (
        ("chalicelib/__init__.py", "\n"),
        "pyproject.toml has the version 1.2.3, and chalicelib/__init__.py has none.",
    ),
    "a version of another form": (
        ("pyproject.toml", PROJECT.replace("1.2.3", "1.2.3rc1")),
        "pyproject.toml has the version 1.2.3rc1, which is not of the form 1.2.3.",
    ),
    "code that stores otherwise": (
        ("chalicelib/domain/fields.py", "FIELDS = 2\n"),
        "the fixture in tests/data/releases/1.2.3 was written by other code than this: run"
        " `python -m tests.release_fixture` again and commit it.",
    ),
    "a requirement without hashes": (
        ("requirements.txt", "six==1.17.0\n"),
        "requirements.txt has a line that is no pinned package: six==1.17.0.",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_fit_is_told_in_one_sentence(root: Path, refused: Refused, name: str) -> None:
    (file, text), sentence = CHANGES[name]
    write(root, file, text)
    commit(root)
    assert refused() == sentence


def test_a_tree_that_is_not_clean_is_refused(root: Path, refused: Refused) -> None:
    write(root, "forgotten.py", "x = 1\n")
    assert refused("--dry-run") == ("1 files are changed or not committed, such as forgotten.py.")
    git(root, "add", "forgotten.py")
    commit(root)
    write(root, "CHANGELOG.md", "")
    assert refused("--dry-run") == ("1 files are changed or not committed, such as CHANGELOG.md.")


def test_a_version_without_fixture_is_refused(root: Path, refused: Refused) -> None:
    shutil.rmtree(root / "tests")
    commit(root)
    assert refused().startswith("tests/data/releases/1.2.3 has no fixture of 1.2.3: ")


def test_a_version_is_released_once(root: Path, refused: Refused) -> None:
    git(root, "tag", "--annotate", "--message", "Before", "v1.2.3")
    said = "1.2.3 was released already: there is a tag v1.2.3."
    assert refused() == said
    write(root, "CHANGELOG.md", CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"))
    commit(root)
    assert refused() == said, "its section stays as it was released"


def test_without_a_repository_nothing_is_released(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main([], tmp_path) == 1
    assert "git status failed" in capsys.readouterr().err


def test_a_moment_that_is_none_is_refused(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert refused() == "SOURCE_DATE_EPOCH is no number of seconds: 'yesterday'."
    for text in ("0", "315532799", "4294967296", "9" * 5_000):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
        assert refused() == f"SOURCE_DATE_EPOCH is no time that archives can have: {text[:40]}."


def test_a_tag_that_cannot_be_set_leaves_no_files(
    root: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "")
    git(root, "config", "user.useConfigOnly", "true")
    git(root, "config", "user.name", "")
    assert refused().startswith("git tag failed: ")
    assert not (root / "build" / "release" / VERSION).exists()


LIST = """\
# Compiled
b==2.0 \\
    --hash=sha256:{0} \\
    --hash=sha256:{1}
    # via
    #   -c requirements.txt
    #   -r requirements.in
    #   A_c[extra]
a-c[x]==1.0 \\
    --hash=sha256:{1}
    # via -r requirements.in
""".format("0" * 64, "1" * 64)


def test_the_bill_has_every_package_and_who_needs_it() -> None:
    bill = json.loads(sbom.bill({"one.txt": LIST, "two.txt": LIST}, VERSION, 1_000_000_000))
    assert bill["metadata"]["timestamp"] == "2001-09-09T01:46:40Z"
    first, second = bill["components"]
    assert (first["purl"], second["purl"]) == ("pkg:pypi/a-c@1.0", "pkg:pypi/b@2.0")
    assert [one["content"] for one in second["hashes"]] == ["0" * 64, "1" * 64]
    assert [one["value"] for one in second["properties"]] == ["one.txt", "two.txt"]
    assert {one["ref"]: one["dependsOn"] for one in bill["dependencies"]} == {
        "pkg:pypi/posthorn@1.2.3": ["pkg:pypi/a-c@1.0", "pkg:pypi/b@2.0"],
        "pkg:pypi/a-c@1.0": ["pkg:pypi/b@2.0"],
        "pkg:pypi/b@2.0": [],
    }


def test_a_file_that_does_not_say_its_version_is_refused() -> None:
    with pytest.raises(NotReleased, match="does not say its version"):
        sbom.bill({}, VERSION, 0, b"var htmx=1")


def test_the_bill_of_our_lists_has_all_that_they_pin() -> None:
    bill = json.loads(sbom.bill_of(ROOT, VERSION, 0))
    pinned = {
        line.split("==")[0].partition("[")[0]
        for name in LISTS
        for line in (ROOT / name).read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    }
    assert {one["name"] for one in bill["components"]} == pinned | {"htmx.org"}
    (htmx,) = (one for one in bill["components"] if one["name"] == "htmx.org")
    assert htmx["version"].encode() in (ROOT / sbom.HTMX).read_bytes()
    scripts = {path.relative_to(ROOT) for path in ROOT.glob("chalicelib/**/*.min.*")}
    assert scripts == {Path(sbom.HTMX)}, "what is another's stands in the bill"
    refs = {one["bom-ref"] for one in bill["components"]}
    needed = {to for one in bill["dependencies"] for to in one["dependsOn"]}
    assert needed == refs
