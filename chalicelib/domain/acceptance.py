"""How an outgoing message came in, and what it passed before it was sent (api.md 2.10): short texts beside the message,
and what people are told of them.

A check of which nothing is known yet, because no attempt came so far, is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.inspection import Inspection
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.waits import WaitCode, wait_of

LONGEST_REQUEST_ID = 64


class Door(StrEnum):
    """By which way it came in."""

    API = "api"
    SMTP = "smtp"
    SIMULATE = "simulate"
    SYSTEM = "system"


class CheckResult(StrEnum):
    """How a check went; SKIP is one that does not apply."""

    PASS = "pass"  # noqa: S105  a result
    FAIL = "fail"
    SKIP = "skip"


class Limits(StrEnum):
    """What the send limits said."""

    NONE = "n"
    ROOM = "r"


class Alignment(StrEnum):
    """Whether a signature is of the author's domain, as DMARC wants it."""

    ALIGNED = "a"
    OTHER_DOMAIN = "o"
    KEY_NOT_FOUND = "k"
    SIGNED_BEFORE = "b"


class Unsubscribing(StrEnum):
    """What became of the fields for one click."""

    ADDED = "a"
    OWN = "o"
    NOT_WANTED = "n"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How it came in. `client` is empty where nobody knows, or shall know."""

    by: Door
    client: str = ""
    request_id: str = ""

    def render(self, *, privacy: bool) -> str:
        """As a short text; with `privacy` the client is not named."""
        client = "" if privacy else self.client
        return f"{_DOORS[self.by]}{client}\t{self.request_id[:LONGEST_REQUEST_ID]}".rstrip("\t")

    @classmethod
    def parse(cls, text: str) -> Acceptance | None:
        """Of what `render` gave; None for a text of a newer release."""
        door = _LETTERS.get(text[:1])
        client, _, request_id = text[1:].partition("\t")
        return None if door is None else cls(door, client, request_id)


_DOORS = {Door.API: "a", Door.SMTP: "m", Door.SIMULATE: "i", Door.SYSTEM: "s"}
_LETTERS = {letter: door for door, letter in _DOORS.items()}


@dataclass(frozen=True, slots=True)
class Passed:
    """What an attempt had passed when its message was signed, by whom it was signed."""

    limits: Limits
    is_overruled: bool  # a person sent it past suppressions
    alignment: Alignment
    unsubscribing: Unsubscribing
    selectors: tuple[str, ...]

    def render(self) -> str:
        """As a short text."""
        letters = (self.limits, "y" if self.is_overruled else "n", self.alignment)
        return f"{''.join(letters)}{self.unsubscribing}{','.join(self.selectors)}"

    @classmethod
    def parse(cls, text: str) -> Passed | None:
        """Of what `render` gave; None for a text of a newer release, or an empty one."""
        try:
            limits, overruled, alignment, unsubscribing = list(text[:4])
            selectors = tuple(filter(None, text[4:].split(",")))
            return cls(
                Limits(limits),
                overruled == "y",
                Alignment(alignment),
                Unsubscribing(unsubscribing),
                selectors,
            )
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class CheckTold:
    """One check, for people."""

    check: str
    result: CheckResult
    detail: str


def checks_of(record: MessageRecord) -> Sequence[CheckTold]:
    """What is known of the checks of an outgoing message, in their order."""
    return tuple(_checks(record, Passed.parse(record.checked)))


def _checks(record: MessageRecord, passed: Passed | None) -> Iterator[CheckTold]:
    domain = record.message.origin.domain
    yield CheckTold("sender", CheckResult.PASS, f"{domain} may be used by this server")
    wait = wait_of(record)
    held = wait.code if wait is not None else None
    if wait is not None and held is WaitCode.SUPPRESSED:
        yield CheckTold("suppression", CheckResult.FAIL, wait.detail)
    elif passed is not None:
        yield CheckTold("suppression", *_SUPPRESSION[passed.is_overruled])
    if wait is not None and held is WaitCode.SEND_LIMIT:
        yield CheckTold("limit", CheckResult.FAIL, wait.detail)
    elif passed is not None:
        yield CheckTold("limit", *_LIMITS[passed.limits])
    yield from _spam(record, passed)
    if passed is not None:
        result, detail = _ALIGNMENT[passed.alignment]
        yield CheckTold("alignment", result, detail.format(domain=domain))
        yield CheckTold("unsubscribe", *_UNSUBSCRIBING[passed.unsubscribing])


def _spam(record: MessageRecord, passed: Passed | None) -> Iterator[CheckTold]:
    if record.inspection is not None:
        spam = record.inspection.spam
        is_likely = _is_likely_spam(record, record.inspection)
        words = f"{spam.score:.1f} of {spam.threshold or 0:.1f}"
        yield CheckTold("spam", CheckResult.FAIL if is_likely else CheckResult.PASS, words)
    elif passed is not None:
        yield CheckTold("spam", CheckResult.SKIP, "Outgoing mail of this server is not scanned")


def _is_likely_spam(record: MessageRecord, inspection: Inspection) -> bool:
    last = record.deliveries[-1:]
    said = any(one.details.startswith("Message is likely spam") for one in last)
    return said and record.status is Status.HARD_FAIL


_SUPPRESSION = {
    False: (CheckResult.PASS, "The recipient is on no list"),
    True: (CheckResult.SKIP, "Somebody sent it past the lists"),
}
_LIMITS = {
    Limits.NONE: (CheckResult.SKIP, "There is no send limit"),
    Limits.ROOM: (CheckResult.PASS, "It has a place in each send limit"),
}
_ALIGNMENT = {
    Alignment.ALIGNED: (CheckResult.PASS, "Signed by {domain}, the domain of From"),
    Alignment.OTHER_DOMAIN: (
        CheckResult.FAIL,
        "Signed by {domain}, which is not the domain of From",
    ),
    Alignment.KEY_NOT_FOUND: (
        CheckResult.FAIL,
        "Signed by this installation, because the key of {domain} was not right in DNS",
    ),
    Alignment.SIGNED_BEFORE: (CheckResult.SKIP, "It was signed here before"),
}
_UNSUBSCRIBING = {
    Unsubscribing.ADDED: (CheckResult.PASS, "Fields for one click were added"),
    Unsubscribing.OWN: (CheckResult.PASS, "It has a List-Unsubscribe of its own"),
    Unsubscribing.NOT_WANTED: (CheckResult.SKIP, "Its stream offers none"),
}
