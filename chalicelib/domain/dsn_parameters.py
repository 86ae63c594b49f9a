"""What a client asked to be told of a recipient, in the words of RFC 3461."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DsnParameters:
    """RFC 3461 parameters of a recipient and its transaction, as given; empty text when absent."""

    notify: str = ""
    orcpt: str = ""
    ret: str = ""
    envid: str = ""

    @property
    def asks_for_failures(self) -> bool | None:
        """Whether NOTIFY names failures; None where it is absent."""
        words = {word.strip().upper() for word in self.notify.split(",") if word.strip()}
        return "FAILURE" in words if words else None
