"""Reads the documentation as a program can: pages, code blocks, commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def pages() -> list[Path]:
    """README and everything under docs that describes Posthorn, in order; `docs/contract` describes Postal."""
    found = (page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "contract")
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(found)]


def blocks(page: Path, language: str) -> list[str]:
    """The page's code blocks of a language."""
    return [text for kind, text in _BLOCK.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _BLOCK.sub("", page.read_text())


def posthorn_lines(page: Path) -> Iterator[list[str]]:
    """The arguments of each `posthorn …` command line in the page's shell blocks and inline code."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True) if "posthorn " in line else []
            if words and words[0].rpartition("/")[2] == "posthorn":
                yield words[1:]
    for code in _INLINE.findall(prose(page)):
        if code.startswith("posthorn "):
            yield shlex.split(code)[1:]
