"""What the changelog says of each version: sections of Keep a Changelog, `## [0.2.0] - 2026-11-30`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from infra.release.failure import NotReleased

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[([^\]\n]+)\](?: - (\S+))?[ \t]*$", re.MULTILINE)
_LINK = re.compile(r"^\[[^\]\n]+\]: \S.*\n?", re.MULTILINE)


def sections(text: str) -> Mapping[str, tuple[str, str]]:
    """Date and text of each section by its version, in the order of the file, without the links at its end."""
    found: dict[str, tuple[str, str]] = {}
    headings = list(_HEADING.finditer(text))
    ends = [one.start() for one in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        body = _LINK.sub("", text[heading.end() : end]).strip()
        found[heading[1]] = (heading[2] or "", body)
    return found


def notes(text: str, version: str) -> str:
    """What is told of a version when it is released."""
    found = sections(text)
    if version not in found:
        raise NotReleased(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
    day, body = found[version]
    try:
        date.fromisoformat(day)
    except ValueError:
        raise NotReleased(f"the section of {version} in CHANGELOG.md has no date") from None
    if not body:
        raise NotReleased(f"the section of {version} in CHANGELOG.md says nothing")
    if found.get(UNRELEASED, ("", ""))[1]:
        raise NotReleased(
            f"CHANGELOG.md has entries under [{UNRELEASED}]: move them into the section of {version}"
        )
    return f"# Posthorn {version} ({day})\n\n{body}\n"


def released(text: str) -> list[str]:
    """The versions that have a section."""
    return [version for version in sections(text) if version != UNRELEASED]
