"""What insights are narrowed to: mail of one tag, stream, receiver and so on, or groups whose names have a text.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LONGEST = 300
BLANK = "[blank]"
# What the API counts by, and the word of it.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "tag": "Tag",
        "stream": "Stream",
        "provider": "Receiver",
        "domain": "Recipient's domain",
        "sender_domain": "Sender's domain",
        "credential": "Key",
        "route": "Route",
    }
)
# The same in a search for messages, where that has it.
_SEARCHED = frozenset({"tag", "stream", "provider", "domain", "credential", "route"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One group of mail; with an empty `name` all mail."""

    kind: str = "tag"
    name: str = ""

    @classmethod
    def of(cls, kind: str, name: str) -> Filter:
        """What an address says; a kind that is not known is a tag."""
        return cls(kind if kind in KINDS else "tag", " ".join(name.split())[:LONGEST])

    @property
    def only(self) -> dict[str, str]:
        """What the API is asked with."""
        return {"only": f"{self.kind}:{self.name}"} if self.name else {}

    @property
    def query(self) -> dict[str, str]:
        """What an address of the page keeps."""
        return {"by": self.kind, "name": self.name} if self.name else {}

    @property
    def words(self) -> str:
        """`Tag: welcome`, without the name."""
        return KINDS[self.kind]

    @property
    def searched(self) -> str | None:
        """The key of a search for its messages; None where search has none."""
        return self.kind if self.kind in _SEARCHED else None


def has_text(text: str, *names: str | None) -> bool:
    """Whether one of the names has the text, in any case of letters."""
    part = text.casefold()
    return any(part in (name or "").casefold() for name in names)
