"""What is kept beside messages and lists that may name an address: it is found by reading, and taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.erasure import Sought
from chalicelib.domain.numbering import ServerId


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to: how many events and other things went, and where to go on; None at the end."""

    events: int = 0
    others: int = 0
    next: str | None = None


class Traces(Protocol):
    """The rest of what a server has, or an organization by its number below zero: the list of events, payloads of
    webhooks, first answers, jobs that are over, links to unsubscribe, files that were uploaded or made, and wake-ups.
    """

    wake_up_seconds: int
    """How long a wake-up of a message that is forgotten may still come, and would bring it back."""

    async def step(self, owner: ServerId, sought: Sought, position: str | None) -> Step:
        """Read some of it, and take the address out: an event, payload, answer or file that names it goes whole, a job
        and a link keep what stands in its place. Done again, it finds nothing."""

    async def scrub(self) -> None:
        """Have what was taken out lie nowhere beside what is stored, as far as that is ours."""
