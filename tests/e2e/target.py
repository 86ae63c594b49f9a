"""What the scenarios run against: TARGET=run (one program on SQLite and files, default), runner, local or localstack.

All are the same local stack with the same gateway, inbox and DNS. `runner` plays Lambda's event sources on ministack;
on `local` (ministack) and `localstack` the functions are the packaged zip in the emulator's own Lambdas. Without a mark
a scenario of the shared stack is played on all, and one that starts stacks of its own on `run` and `runner`, where a
start takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class TargetKind:
    """`settings` are the stack's variables; `environments` the virtual environments that it needs.

    `serving` are the names in `pids` of the processes that are started again when they die.
    """

    name: str
    settings: Mapping[str, str]
    environments: tuple[str, ...]
    start_seconds: float
    serving: tuple[str, ...]

    @property
    def deployed(self) -> bool:
        return "POSTHORN_FUNCTIONS" in self.settings

    @property
    def embedded(self) -> bool:
        """Whether it is one program, without anything of AWS."""
        return not self.settings

    def missing(self) -> str:
        """Why it cannot run here, one sentence; empty when it can."""
        for name in self.environments:
            if not (ROOT / name / "bin" / "python").exists():
                hint = ", which needs Python 3.13" if name == ".venv-localstack" else ""
                return f"{name} is missing; make e2e TARGET={self.name} installs it{hint}"
        return ""


TARGETS = {
    kind.name: kind
    for kind in (
        TargetKind("run", {}, (), 300.0, ("serve",)),
        TargetKind(
            "runner",
            {"POSTHORN_ENGINE": "aws"},
            (".venv-ministack",),
            300.0,
            ("gateway", "runner", "front"),
        ),
        TargetKind(
            "local",
            {"POSTHORN_FUNCTIONS": "deployed"},
            (".venv-ministack",),
            600.0,
            ("gateway", "front"),
        ),
        TargetKind(
            "localstack",
            {"POSTHORN_FUNCTIONS": "deployed", "POSTHORN_EMULATOR": "localstack"},
            (".venv-ministack", ".venv-localstack"),
            600.0,
            ("gateway", "front"),
        ),
    )
}


def chosen() -> TargetKind:
    """The target that the variable TARGET names; UsageError for a name that is none."""
    name = os.environ.get("TARGET") or "run"
    if name not in TARGETS:
        raise pytest.UsageError(f"TARGET must be one of {', '.join(TARGETS)}, not {name!r}")
    return TARGETS[name]


def belongs(item: pytest.Item, kind: TargetKind) -> bool:
    """Whether a scenario is played on a target; `@pytest.mark.targets("local", …)` says so, else the rule above."""
    marker = item.get_closest_marker("targets")
    if marker is not None:
        return kind.name in marker.args
    return not kind.deployed or "stack" in getattr(item, "fixturenames", ())
