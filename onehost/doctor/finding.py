"""What a check found: all is well, something to know, something to mend, or nothing because it could not look."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How a check ended. Only FAILED makes the exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was seen, the cause, or why nothing was seen; and what to do about it."""

    result: Result
    text: str
    next_step: str = ""


Findings = list[Finding]


def ok(text: str) -> Finding:
    """As it should be."""
    return Finding(Result.OK, text)


def warning(text: str, next_step: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(Result.WARNING, text, next_step)


def failed(text: str, next_step: str) -> Finding:
    """Cause, and what to do."""
    return Finding(Result.FAILED, text, next_step)


def not_checked(reason: str) -> Finding:
    """Nothing is known."""
    return Finding(Result.NOT_CHECKED, reason)
