"""The pins are complete, agree with each other, and name no package index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = [
    "requirements",
    "requirements-local",
    "requirements-dev",
    "requirements-ministack",
    "requirements-localstack",
]
PIN = re.compile(
    r"^([A-Za-z0-9][\w.-]*)(?:\[[\w.,-]+\])?==([^ ]+)((?: --hash=sha256:[0-9a-f]{64})*)$"
)
INDEX_MARKS = [
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--trusted-host",
    "://",
    "file:/",
    " @ ",
]


def logical_lines(layer: str) -> list[str]:
    """The lines of a compiled file without comments, continuation lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / f"{layer}.txt").read_text(), flags=re.MULTILINE)
    return [
        " ".join(line.split()) for line in text.replace("\\\n", " ").splitlines() if line.strip()
    ]


def pins(layer: str) -> dict[str, str]:
    found = [PIN.match(line) for line in logical_lines(layer)]
    return {match[1]: match[2] for match in found if match}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("layer", LAYERS)
def test_every_requirement_is_pinned_with_hashes(layer: str) -> None:
    unpinned = [
        line for line in logical_lines(layer) if not (match := PIN.match(line)) or not match[3]
    ]
    assert unpinned == []


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("suffix", ["in", "txt"])
def test_no_index_address(layer: str, suffix: str) -> None:
    text = (ROOT / f"{layer}.{suffix}").read_text()
    assert [mark for mark in INDEX_MARKS if mark in text] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_wish_is_pinned(layer: str) -> None:
    lines = (ROOT / f"{layer}.in").read_text().splitlines()
    names = [re.split(r"[\[=<>~! ]", line)[0] for line in lines if line and line[0] not in "#-"]
    assert {plain(name) for name in names} <= {plain(name) for name in pins(layer)}


@pytest.mark.parametrize(("lower", "upper"), [LAYERS[:2], LAYERS[1:3]])
def test_each_layer_holds_the_one_below(lower: str, upper: str) -> None:
    assert pins(lower).items() <= pins(upper).items()
