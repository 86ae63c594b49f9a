"""Recipients to whom nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suppression:
    """A recipient that a server does not send to until `keep_until` (contract section 1.13)."""

    address: str
    reason: str
    at: float
    keep_until: int
