"""The fields of what is stored and queued of mail: one table a value, which every codec walks by name.

A field has its name in the value, a short name in texts and items, and a kind; each codec has one form for each kind.
A field that equals its default is left out. Short names are what lies in queues and stores: they never change, none is
used again for something else, and a new field has a default, because older texts and items lack it (ADR 33). Where a
store keeps the rest of a record (its message, its deliveries, its place in the list of what is due) is the store's
affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import (
    Arrival,
    BlobRef,
    Delivery,
    DeliveryJob,
    Message,
    MessageRecord,
    Origin,
    PendingOutcome,
)

T = TypeVar("T")


class Kind(Enum):
    """What a value is. FLAT, LIST and OBJECT are values with a table of their own: its fields stand among those of the
    outer value, in their order in a list, or by name in an object."""

    TEXT = auto()
    NUMBER = auto()  # an integer from 0 to 2**63 - 1
    TIME = auto()  # seconds, with a fraction
    MARK = auto()  # a truth; absent is False
    STATUS = auto()
    STATE = auto()
    SCOPE = auto()
    OPERATION = auto()  # as text
    JSON = auto()  # a value of the type `value` as text
    BYTES = auto()
    NUMBERS = auto()  # several, none by default
    FLAT = auto()
    LIST = auto()
    OBJECT = auto()


REQUIRED: Any = object()
"""The default of a field that has none."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `stored` is its name in an item of the mail table where that is another than the short one; `table`
    is that of a FLAT, LIST or OBJECT, `value` the type of what is JSON."""

    name: str
    short: str
    kind: Kind
    default: Any = REQUIRED
    stored: str = ""
    table: Table[Any] | None = None
    value: type[Any] | None = None

    @property
    def item_name(self) -> str:
        """The name in an item."""
        return self.stored or self.short


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """The fields of one type of value, in an order that nothing depends on, except a LIST."""

    value: type[T]
    fields: tuple[Field, ...]


BLOB = Table(
    BlobRef,
    (
        Field("key", "k", Kind.TEXT),
        Field("offset", "ko", Kind.NUMBER, 0),
        Field("length", "kl", Kind.NUMBER),
    ),
)

DSN = Table(
    DsnParameters,
    tuple(Field(name, name, Kind.TEXT) for name in ("notify", "orcpt", "ret", "envid")),
)

ORIGIN = Table(
    Origin,
    (
        Field("pool", "p", Kind.TEXT),
        Field("domain", "d", Kind.TEXT),
        Field("credential_id", "c", Kind.TEXT),
    ),
)

MESSAGE = Table(
    Message,
    (
        Field("server_id", "s", Kind.NUMBER),
        Field("id", "i", Kind.NUMBER),
        Field("scope", "o", Kind.SCOPE),
        Field("received_at", "x", Kind.TIME, stored="ra"),
        Field("size", "z", Kind.NUMBER),
        Field("blob", "k", Kind.LIST, table=BLOB),
        Field("token", "t", Kind.TEXT),
        Field("mail_from", "f", Kind.TEXT),
        Field("rcpt_to", "r", Kind.TEXT),
        Field("subject", "j", Kind.TEXT),
        Field("message_id", "m", Kind.TEXT),
        Field("origin", "", Kind.FLAT, table=ORIGIN),
        Field("bounce", "b", Kind.MARK, False),
        Field("hold", "h", Kind.MARK, False),
        Field("received_with_ssl", "l", Kind.MARK, False),
        Field("smtputf8", "u", Kind.MARK, False),
        Field("tag", "g", Kind.TEXT, None),
        Field("dsn", "n", Kind.LIST, None, "y", DSN),
        Field("operation", "by", Kind.OPERATION, None, "mb"),
        Field("arrival", "ar", Kind.JSON, None, value=Arrival),
        Field("reports_on", "ro", Kind.NUMBER, None),
        Field("stream", "sm", Kind.TEXT, None),
        Field("metadata", "md", Kind.TEXT, None),
        Field("scheduled_at", "sa", Kind.TIME, None),
        Field("unsubscribe", "un", Kind.MARK, False),
        Field("limits", "li", Kind.TEXT, None),
        Field("acceptance", "ac", Kind.TEXT, None),
        Field("request", "rq", Kind.NUMBER, None),
    ),
)

DELIVERY = Table(
    Delivery,
    (
        Field("id", "i", Kind.NUMBER),
        Field("status", "s", Kind.STATUS),
        Field("details", "d", Kind.TEXT, ""),
        Field("at", "t", Kind.TIME),
        Field("output", "o", Kind.TEXT, None),
        Field("sent_with_ssl", "e", Kind.MARK, False),
        Field("log_id", "g", Kind.TEXT, None),
        Field("seconds", "c", Kind.TIME, None),
        Field("tls", "y", Kind.TEXT, None),
        Field("source", "b", Kind.TEXT, None),
        Field("remote", "m", Kind.TEXT, None),
        Field("about_us", "u", Kind.MARK, False),
        Field("cause", "k", Kind.TEXT, None),
        Field("report", "r", Kind.NUMBER, None),
        Field("conversation", "cv", Kind.BYTES, None),
    ),
)

OUTCOME = Table(
    PendingOutcome,
    (
        Field("owner", "lo", Kind.TEXT),
        Field("state", "ss", Kind.STATE),
        Field("tries", "tr", Kind.NUMBER),
        Field("wake_at", "w", Kind.NUMBER),
        Field("by_sweeper", "sw", Kind.MARK, False),
        Field("hold_expires_at", "hx", Kind.NUMBER, None),
        Field("delivery", "d", Kind.OBJECT, table=DELIVERY),
        Field("lost_replies", "lr", Kind.NUMBER, 0),
        Field("bounce_of", "bo", Kind.NUMBER, None),
        Field("bounced_as", "ba", Kind.NUMBER, None),
        Field("inspection", "iq", Kind.JSON, None, value=Inspection),
        Field("counted", "lc", Kind.MARK, False),
        Field("limit_hold", "lh", Kind.JSON, None, value=LimitHold),
        Field("provider", "pv", Kind.TEXT, None),
        Field("checked", "ck", Kind.TEXT, ""),
    ),
)

JOB = Table(
    DeliveryJob,
    (
        Field("message", "", Kind.FLAT, table=MESSAGE),
        Field("attempt", "a", Kind.NUMBER),
        Field("manual", "w", Kind.MARK, False),
        Field("outcome", "y", Kind.OBJECT, None, table=OUTCOME),
    ),
)

RECORD = Table(
    MessageRecord,
    (
        Field("status", "st", Kind.STATUS),
        Field("state", "ss", Kind.STATE),
        Field("attempt", "a", Kind.NUMBER),
        Field("tries", "tr", Kind.NUMBER, 0),
        Field("lost_replies", "lr", Kind.NUMBER, 0),
        Field("lease_owner", "lo", Kind.TEXT, ""),
        Field("lease_until", "lu", Kind.NUMBER, 0),
        Field("wake_at", "w", Kind.NUMBER, 0),
        Field("held", "h", Kind.MARK, False),
        Field("hold_expires_at", "hx", Kind.NUMBER, None),
        Field("last_attempt_at", "la", Kind.TIME, None),
        Field("links", "lk", Kind.NUMBER, None),
        Field("opened_at", "oa", Kind.TIME, None),
        Field("clicked_at", "ca", Kind.TIME, None),
        Field("resent_as", "rs", Kind.NUMBERS, ()),
        Field("inspection", "iq", Kind.JSON, None, value=Inspection),
        Field("bounce_of", "bo", Kind.NUMBER, None),
        Field("replay", "rp", Kind.JSON, None, value=Arrival),
        Field("bounced_as", "ba", Kind.NUMBER, None),
        Field("released", "re", Kind.MARK, False),
        Field("sends_at", "se", Kind.NUMBER, None),
        Field("rescheduled_at", "rx", Kind.TIME, None),
        Field("sent_at", "s1", Kind.TIME, None),
        Field("failed_at", "f1", Kind.TIME, None),
        Field("complained_at", "c1", Kind.TIME, None),
        Field("unsubscribed_at", "u1", Kind.TIME, None),
        Field("person_opened_at", "po", Kind.TIME, None),
        Field("person_clicked_at", "pc", Kind.TIME, None),
        Field("provider", "pv", Kind.TEXT, None),
        Field("counted", "lc", Kind.MARK, False),
        Field("limit_hold", "lh", Kind.JSON, None, value=LimitHold),
        Field("jobs", "jb", Kind.TEXT, ""),
        Field("checked", "ck", Kind.TEXT, ""),
    ),
)
