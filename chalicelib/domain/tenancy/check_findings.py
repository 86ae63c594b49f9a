"""What was found when the installation looked at itself (api.md 2.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import THE_CHECKS


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What a check found at `found_at`; `since` is when it first ended so without a change (epoch seconds)."""

    name: str
    status: CheckStatus
    detail: str
    since: float
    found_at: float


@dataclass(frozen=True, slots=True)
class Found:
    """How a check ended; the detail says what is wrong, and is empty where nothing is."""

    name: str
    status: CheckStatus = CheckStatus.OK
    detail: str = ""


def judged(name: str, faults: Sequence[str], status: CheckStatus = CheckStatus.FAILING) -> Found:
    """How a check ended that found these faults: with `status`, or well where there are none."""
    return Found(name, status, " ".join(faults)) if faults else Found(name)


CHECK_FINDINGS = Entity(
    CheckFinding, "check", place=lambda one: Place(THE_CHECKS, one.name), filters=("status",)
)
