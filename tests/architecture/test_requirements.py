"""The pins are complete, agree with each other, and name no package index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from sysconfig import get_path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LAYERS = [
    "requirements",
    "requirements-lake",
    "requirements-local",
    "requirements-dev",
    "requirements-ministack",
    "requirements-localstack",
]
PIN = re.compile(
    r"^([A-Za-z0-9][\w.-]*)(?:\[([\w.,-]+)\])?==([^ ]+)((?: --hash=sha256:[0-9a-f]{64})*)$"
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
    return {match[1]: match[3] for match in found if match}


def extras(layer: str) -> dict[str, set[str]]:
    found = [PIN.match(line) for line in logical_lines(layer)]
    return {match[1]: set((match[2] or "").split(",")) - {""} for match in found if match}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("layer", LAYERS)
def test_every_requirement_is_pinned_with_hashes(layer: str) -> None:
    unpinned = [
        line for line in logical_lines(layer) if not (match := PIN.match(line)) or not match[4]
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


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ("requirements", "requirements-lake"),
        ("requirements", "requirements-local"),
        ("requirements-lake", "requirements-dev"),
        ("requirements-local", "requirements-dev"),
    ],
)
def test_each_layer_holds_the_one_below(lower: str, upper: str) -> None:
    assert pins(lower).items() <= pins(upper).items()


@cache
def installed(layer: str) -> dict[str, Distribution]:
    """What is installed where this layer is, by name; skips when that environment was not made."""
    separate = layer.removeprefix("requirements-")
    place = get_path("purelib")
    if separate in ("ministack", "localstack"):
        found = list(ROOT.glob(f".venv-{separate}/lib/python3.*/site-packages"))
        if not found:
            pytest.skip(f".venv-{separate} is absent: python3 infra/environment.py {separate}")
        place = str(found[0])
    return {plain(one.metadata["Name"]): one for one in distributions(path=[place])}


def asked(found: Distribution, extra_names: set[str], python: str) -> Iterator[Requirement]:
    """What a package needs with these extras on that Python on Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    for text in found.requires or ():
        wish = Requirement(text)
        if wish.marker is None or any(
            wish.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extra_names)
        ):
            yield wish


@pytest.mark.parametrize(
    ("layer", "python"),
    [(layer, f"3.{minor}") for layer in LAYERS[:-1] for minor in (11, 12, 13, 14)]
    + [(LAYERS[-1], "3.13")],
)
def test_a_list_pins_all_that_its_packages_ask_for(layer: str, python: str) -> None:
    """Then no pip has to look for anything: not with other extras, and not on another Python."""
    place, pinned, with_extras = installed(layer), pins(layer), extras(layer)
    assert {name: place[name].version for name in pinned} == pinned, "set up this environment again"
    lacking = [
        f"{name} asks for {wish}"
        for name in pinned
        for wish in asked(place[name], with_extras[name], python)
        if (known := plain(wish.name)) not in pinned
        or not {plain(one) for one in wish.extras} <= with_extras[known]
        or not wish.specifier.contains(pinned[known], prereleases=True)
    ]
    assert lacking == []
