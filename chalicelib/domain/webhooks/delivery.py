"""Deliveries of events to webhooks, as values (api.md 2.17).

A delivery's id follows from the webhook, the event and when that happened: one that is made again is the same. Ids of a
server are in the order of time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from chalicelib.domain.http_exchange import Timings
from chalicelib.domain.numbering import MessageId, ServerId

LONGEST_RESPONSE = 1_024
MOST_FIELDS, LONGEST_FIELD, LONGEST_HEADER = 40, 500, 4_000
MOST_ATTEMPTS_KEPT = 20
PREFIX = "wd"
_TIME_LETTERS, _HASH_LETTERS = 9, 11
ID_LETTERS = len(PREFIX) + _TIME_LETTERS + _HASH_LETTERS

_NO_TIMINGS = Timings()

Fields = tuple[tuple[str, str], ...]


class DeliveryStatus(StrEnum):
    """What became of a delivery. What waits may have been tried before."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Header:
    """A field of a request or an answer."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request and what came of it. `code` is the status, or a `NoAnswer` with `error` as its text. `replay`: a
    person asked for it, to be sent to `elsewhere` (without user-info) where that is not the delivery's own address."""

    at: float
    code: int
    seconds: float = 0.0
    response: str = ""
    error: str | None = None
    replay: bool = False
    timings: Timings = _NO_TIMINGS
    request_headers: tuple[Header, ...] = ()
    response_headers: tuple[Header, ...] = ()
    elsewhere: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took the event."""
        return 200 <= self.code < 300


@dataclass(frozen=True, slots=True)
class Replay:
    """That a person wants it to be sent once more: to its own address, or (`url`, without user-info) elsewhere."""

    url: str | None = None
    sealed_user_info: bytes | None = None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An event on its way to a webhook. `url` has no user-info. `payload` is the exact body. `next_attempt_at` is None
    unless it waits; `tries` counts the attempts of its schedule. With `replay` somebody asked for one attempt now."""

    id: str
    server_id: ServerId
    webhook: str
    event: str
    event_id: str
    url: str
    payload: bytes
    created_at: float
    status: DeliveryStatus = DeliveryStatus.WAITING
    next_attempt_at: float | None = None
    tries: int = 0
    email: MessageId | None = None
    attempts: tuple[WebhookAttempt, ...] = ()
    replay: Replay | None = None
    version: int = 0

    @property
    def due_at(self) -> float | None:
        """When its lane has to look at it; None for never. A replay is due at once."""
        return 0.0 if self.replay is not None else self.next_attempt_at

    def attempted(self, attempt: WebhookAttempt) -> WebhookDelivery:
        """The delivery with one attempt more; the oldest of too many goes."""
        return replace(self, attempts=(*self.attempts, attempt)[-MOST_ATTEMPTS_KEPT:])

    def ended(self, status: DeliveryStatus) -> WebhookDelivery:
        """The delivery, over."""
        return replace(self, status=status, next_attempt_at=None)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries; None: any. Times are those of `created_at`, `until` not among them."""

    webhook: str | None = None
    event: str | None = None
    email: MessageId | None = None
    status: DeliveryStatus | None = None
    since: float | None = None
    until: float | None = None

    def passes(self, one: WebhookDelivery) -> bool:
        """Whether a delivery is wanted."""
        wanted = ("webhook", "event", "email", "status")
        if any(getattr(self, name) not in (None, getattr(one, name)) for name in wanted):
            return False
        if self.since is not None and one.created_at < self.since:
            return False
        return self.until is None or one.created_at < self.until


def delivery_id(webhook: str, event_id: str, at: float) -> str:
    """The id of the delivery of an event, which happened at `at`, to a webhook."""
    digest = hashlib.sha256(f"{webhook} {event_id}".encode()).digest()
    number = int.from_bytes(digest, "big")
    return f"{PREFIX}{_letters(int(at * 1000), _TIME_LETTERS)}{_letters(number, _HASH_LETTERS)}"


def is_delivery_id(text: str) -> bool:
    """Whether a delivery can be called this."""
    return (
        len(text) == ID_LETTERS
        and text.startswith(PREFIX)
        and text.isascii()
        and text.isalpha()
        and text.islower()
    )


def headers_kept(fields: Fields) -> tuple[Header, ...]:
    """The first fields with lower-case names, each cut, and no more than LONGEST_HEADER octets of all: what hangs on a
    delivery must fit into one item of any store, whatever receivers say."""
    found: list[Header] = []
    left = LONGEST_HEADER
    for name, value in fields[:MOST_FIELDS]:
        one = Header(name.lower()[:LONGEST_FIELD], value[:LONGEST_FIELD])
        left -= len(one.name.encode()) + len(one.value.encode())
        if left < 0:
            break
        found.append(one)
    return tuple(found)


def _letters(number: int, count: int) -> str:
    """The lowest `count` digits of a number, to the base 26, as lower-case letters."""
    found = ""
    for _ in range(count):
        number, digit = divmod(number, 26)
        found = chr(ord("a") + digit) + found
    return found
