"""What was found when the installation looked at itself (api.md 2.20)."""

from __future__ import annotations

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


CHECK_FINDINGS = Entity(
    CheckFinding, "check", place=lambda one: Place(THE_CHECKS, one.name), filters=("status",)
)
