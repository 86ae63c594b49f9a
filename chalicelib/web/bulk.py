"""What is done with many messages at once: which verbs, what each is called, and which messages a form means.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_IDS = 1_000
ASKED_ABOVE = 100
"""Above so many messages, whoever cancels types their number."""
COUNTED_TO = 10_000
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
FLAGS = ("held", "queued", "scheduled", "failed", "bounced")
DIRECTIONS = ("outgoing", "incoming")


@dataclass(frozen=True, slots=True)
class BulkVerb:
    """Its word on a button before the number, what was done as a title, what it means, and whether it sends."""

    word: str
    title: str
    meaning: str
    sends: bool = False


VERBS = {
    "retry": BulkVerb(
        "Try {} now",
        "Try messages now",
        "Each is tried as soon as a worker is free, in waves, so that fresh mail does not stand behind them.",
        True,
    ),
    "hold": BulkVerb(
        "Hold {}",
        "Hold messages",
        "Each waits for a person, for 7 days at most.",
    ),
    "release": BulkVerb(
        "Release {}",
        "Release messages",
        "Each is sent now, past what held it but a send limit.",
        True,
    ),
    "cancel": BulkVerb(
        "Cancel {}",
        "Cancel messages",
        "None of them is sent. This cannot be taken back.",
    ),
    "bounce": BulkVerb(
        "Give up {}",
        "Give messages up",
        "Each ends as failed; senders of incoming mail are told where a bounce is due. This cannot be taken back.",
    ),
    "replay": BulkVerb(
        "Deliver {} again",
        "Deliver messages again",
        "Each is routed and delivered once more. Whoever takes them may get them twice.",
        True,
    ),
    "resend": BulkVerb(
        "Send {} again",
        "Send messages again",
        "Each recipient gets a second copy, as a new message.",
        True,
    ),
}
OTHERS = {
    "export": "Export",
    "import_suppressions": "Import suppressions",
    "replay_webhooks": "Send webhooks again",
    "erase": "Erase an address",
}


def title_of(kind: str) -> str:
    """What a job of this type is called."""
    verb = VERBS.get(kind)
    return verb.title if verb else OTHERS.get(kind, kind.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages: some by their ids, or all that match."""

    ids: tuple[int, ...] = ()
    q: str = ""
    direction: str = ""
    status: str = ""
    is_all: bool = False

    @staticmethod
    def of(values: Mapping[str, Sequence[str]]) -> Chosen:
        """What an address or a form says; ids stand one a field, or several apart by commas."""
        texts = (one.strip() for text in values.get("ids", ()) for one in text.split(","))
        ids = dict.fromkeys(int(one) for one in texts if _NUMBER.fullmatch(one))

        def first(name: str, among: Sequence[str] = ()) -> str:
            text = (list(values.get(name, ())) or [""])[0].strip()
            return text if not among or text in among else ""

        return Chosen(
            tuple(ids)[:MOST_IDS],
            first("q"),
            first("direction", DIRECTIONS),
            first("status", FLAGS),
            first("all") == "1",
        )

    @property
    def is_none(self) -> bool:
        """Whether no message is meant."""
        return not self.ids and not self.is_all

    @property
    def wanted(self) -> dict[str, Any]:
        """As a job takes it."""
        if not self.is_all:
            return {"ids": list(self.ids)}
        given = {"q": self.q, "direction": self.direction, "status": self.status}
        return {"filter": {name: one for name, one in given.items() if one}}

    @property
    def fields(self) -> list[tuple[str, str]]:
        """As a form keeps it."""
        if not self.is_all:
            return [("ids", ",".join(map(str, self.ids)))]
        given = (("q", self.q), ("direction", self.direction), ("status", self.status))
        return [("all", "1"), *((name, one) for name, one in given if one)]


def acts_on(preview: Mapping[str, Any]) -> int:
    """How many of those that match it would not leave alone."""
    left: int = sum(one["count"] for one in preview["skipped"])
    return max(0, int(preview["matched"]) - left)


def needs_number(verb: str, preview: Mapping[str, Any]) -> bool:
    """Whether their number has to be typed."""
    return verb in ("cancel", "bounce") and acts_on(preview) > ASKED_ABOVE


def is_number(text: str, number: int) -> bool:
    """Whether this is the number, with commas or without."""
    return text.replace(",", "").replace(" ", "").strip() == str(number)
