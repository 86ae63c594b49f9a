"""What the operations ask the client for: an answer in JSON, bytes, or nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from posthorn_client.request import Request


class Asking(ABC):
    """Asks the API. Each raises ProblemError, Unreachable or UnreadableAnswer."""

    @abstractmethod
    def _json(self, request: Request) -> Any:
        """The JSON value of the answer."""

    @abstractmethod
    def _octets(self, request: Request) -> bytes:
        """The bytes of the answer, or those at the address that it leads to."""

    @abstractmethod
    def _nothing(self, request: Request) -> None:
        """Nothing: it was done."""
