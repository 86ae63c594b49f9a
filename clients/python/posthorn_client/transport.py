"""What carries one request to the API and its answer back.

A transport does not retry and knows neither keys nor problems; `HttpTransport` is the one that programs use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: `target` is its path with its query. One that is `repeatable` does no harm when it comes twice."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = None
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, its header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests to one API."""

    def send(self, sent: Sent) -> Answer:
        """The answer; Unreachable, or AnswerTooLarge."""

    def fetch(self, url: str) -> Answer:
        """What is at another address, which is asked for without a key. Unreachable, or AnswerTooLarge."""

    def close(self) -> None:
        """Let go of connections."""
