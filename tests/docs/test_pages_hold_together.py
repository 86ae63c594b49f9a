"""Links lead somewhere, the README's commands exist, decisions are numbered, and nothing unfinished is left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
# Joined, so that this file does not hold what it looks for.
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error", "lorem" + " ipsum")
ELSEWHERE = ("/work" + "/", ".." + "/shared", "files." + "pythonhosted", "pypi" + ".org/simple")
CODE = ("chalicelib", "functions", "smtp-gateway", "infra", "onehost", "bench", "docs")


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


def test_files_named_in_the_architecture_exist() -> None:
    text = prose(ROOT / "docs" / "architecture.md")
    named = re.findall(
        r"`((?:chalicelib|functions|smtp-gateway|infra|onehost|tests|bench)/[\w/.-]*)`", text
    )
    shortened = re.findall(r"`((?:services|domain)/[\w/.-]+)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [path for path in shortened if not (ROOT / "chalicelib" / path).exists()] == []


def test_make_targets_in_the_documentation_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in pages():
        for target in re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.MULTILINE):
            assert target in targets, (page.name, target)


def test_the_readme_is_one_screen_and_has_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count("\n") <= 60
    first = re.search(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert first is not None
    words = [line.split("#")[0].strip() for line in first[1].splitlines()]
    assert words == ["make run", "make test"]


def test_decisions_are_numbered_and_short() -> None:
    found = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in found]
    assert numbers == list(range(1, len(found) + 1))
    for path, number in zip(found, numbers, strict=True):
        text = path.read_text()
        assert text.startswith(f"# {number}. "), path.name
        assert text.count("\n") <= 40, path.name
        assert [f"## {part}" in text for part in ("Context", "Choice", "Consequence")] == [True] * 3


def test_nothing_unfinished_or_private_is_left() -> None:
    files = [*pages()]
    for folder in CODE:
        files += [
            path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts
        ]
    found = [
        f"{file.relative_to(ROOT)}: {word}"
        for file in files
        for word in (*UNFINISHED, *ELSEWHERE)
        if word in file.read_text()
    ]
    assert found == []


def test_lines_of_prose_are_not_too_long() -> None:
    generated = {"api.md", "settings.md", "log.md", "command-line.md"}
    for page in pages():
        if page.name in generated:
            continue
        long = [line for line in prose(page).splitlines() if len(line) > 130 and line[0] != "|"]
        assert long == [], page.name
