"""The two tables as PynamoDB models: keys, indexes, and the attributes of each kind of item.

These declarations are the truth that the CloudFormation template and what is stored are tested against: functions write
and read items by hand, which takes a tenth of the time (ADR 33). Attribute names are one or two letters, because every
item pays for them; the Python names tell.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.aws.dynamo.records import IN_THE_KEY, MARKS
from chalicelib.domain.fields import (
    BLOB,
    DELIVERY,
    MESSAGE,
    ORIGIN,
    RECORD,
    REQUIRED,
    Kind,
    Table,
)

_KINDS: dict[Kind, type[Attribute[Any]]] = {
    Kind.TEXT: UnicodeAttribute,
    Kind.NUMBER: NumberAttribute,
    Kind.TIME: NumberAttribute,
    Kind.MARK: BooleanAttribute,
    Kind.STATUS: UnicodeAttribute,
    Kind.STATE: UnicodeAttribute,
    Kind.OPERATION: UnicodeAttribute,
    Kind.JSON: UnicodeAttribute,
    Kind.BYTES: partial(BinaryAttribute, legacy_encoding=False),  # type: ignore[dict-item]  # makes one
}


class RecipientIndex(GlobalSecondaryIndex[Any]):
    """Messages of a recipient, newest last: `S#<server>#R#<recipient>` and the message id."""

    class Meta:
        index_name = "rcpt"
        projection = KeysOnlyProjection()

    recipient = UnicodeAttribute(hash_key=True, attr_name="rk")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")


class FlagIndex(GlobalSecondaryIndex[Any]):
    """Messages held, queued for retry, failed or bounced: `S#<server>#<o|i>#<H|Q|F|B>` and the message id."""

    class Meta:
        index_name = "flag"
        projection = KeysOnlyProjection()

    flag = UnicodeAttribute(hash_key=True, attr_name="fk")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")


class DueIndex(GlobalSecondaryIndex[Any]):
    """Messages for the sweeper: `DUE#0` to `DUE#7` and the epoch second to wake at."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True, attr_name="dk")
    at = NumberAttribute(range_key=True, attr_name="du")


def _attributes(table: Table[Any], without: Collection[str] = ()) -> dict[str, Attribute[Any]]:
    """The attributes of a field table by full name."""
    return {
        one.name: ListAttribute(of=NumberAttribute, attr_name=one.item_name, null=True)
        if one.kind is Kind.NUMBERS
        else _KINDS[one.kind](attr_name=one.item_name, null=one.default is not REQUIRED)
        for one in table.fields
        if one.name not in without
    }


class DeliveryMap(MapAttribute[str, Any]):
    """One delivery, inside its message or as an older one beside it."""

    vars().update(_attributes(DELIVERY))


class MailItem(Model):
    """Any item of the mail table. `expires_at` is epoch seconds after which DynamoDB removes it."""

    class Meta:
        table_name = "posthorn-mail"
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    expires_at = TTLAttribute(attr_name="x", null=True)

    by_recipient = RecipientIndex()
    by_flag = FlagIndex()
    by_due = DueIndex()


class MessageItem(MailItem):
    """A message: `S#<server>#<o|i>#<shard>` and its id in ten digits. Its own fields, and what the store keeps in a way
    of its own."""

    vars().update(_attributes(MESSAGE, (*IN_THE_KEY, *MARKS, "blob", "dsn", "origin")))
    vars().update(_attributes(BLOB) | _attributes(ORIGIN) | _attributes(RECORD))
    marks = NumberAttribute(attr_name="b", null=True)
    dsn = ListAttribute(of=UnicodeAttribute, attr_name="y", null=True)
    previous_state = UnicodeAttribute(attr_name="ps", null=True)
    deliveries = ListAttribute(of=DeliveryMap, attr_name="l", null=True)
    has_older_deliveries = BooleanAttribute(attr_name="lm", null=True)
    write = UnicodeAttribute(attr_name="n", null=True)
    last_operation = UnicodeAttribute(attr_name="op", null=True)
    last_mark = UnicodeAttribute(attr_name="mk", null=True)

    recipient_key = UnicodeAttribute(attr_name="rk")
    flag_key = UnicodeAttribute(attr_name="fk", null=True)
    due_key = UnicodeAttribute(attr_name="dk", null=True)
    due_at = NumberAttribute(attr_name="du", null=True)


class OlderDeliveryItem(MailItem):
    """A delivery that no longer fits beside its message: `T#<server>#<message>` and `D#<id>`."""

    delivery = DeliveryMap(attr_name="v")  # type: ignore[no-untyped-call]  # as PynamoDB ships it


class LinksItem(MailItem):
    """What the tracked links of a message point to, a compressed JSON list: `T#<server>#<message>` and `L`."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="b")


class HitItem(MailItem):
    """An open or click: `T#<server>#<message>` and `E#<milliseconds>#<random>`."""

    kind = UnicodeAttribute(attr_name="k")
    at = NumberAttribute(attr_name="t")
    address = UnicodeAttribute(attr_name="i")
    user_agent = UnicodeAttribute(attr_name="u")
    url = UnicodeAttribute(attr_name="l", null=True)
    automatic = BooleanAttribute(attr_name="m", null=True)


class SuppressionItem(MailItem):
    """A suppressed recipient: `S#<server>#SUP` and the address without case."""

    address = UnicodeAttribute(attr_name="r")
    reason = UnicodeAttribute(attr_name="d")
    at = NumberAttribute(attr_name="t")
    email = NumberAttribute(attr_name="em", null=True)
    report = NumberAttribute(attr_name="re", null=True)
    stream = UnicodeAttribute(attr_name="st", null=True)
    note = UnicodeAttribute(attr_name="nt", null=True)
    created_by = UnicodeAttribute(attr_name="cb", null=True)
    list = UnicodeAttribute(attr_name="dk")
    place = NumberAttribute(attr_name="du")


class ReportItem(MailItem):
    """A report on a message, as JSON: `S#<server>#REP` and `N#<number>`; again under `M#<message>#<its message>`."""

    value = UnicodeAttribute(attr_name="v")


class OccurrenceItem(MailItem):
    """What happened beside messages, as JSON: `S#<server>#HAP` and `W#<name>`."""

    value = UnicodeAttribute(attr_name="v")


class PackItem(MailItem):
    """Some of a server's events: `S#<server>#LOG` and `K#<milliseconds>#<source>#<last number>#<ordinal>`."""

    packed = BinaryAttribute(legacy_encoding=False, attr_name="b")


class PackSourceItem(MailItem):
    """The last number that a server's events took of a source: `S#<server>#LOG` and `P#<source>`."""

    last = UnicodeAttribute(attr_name="q")


class PackHeadItem(MailItem):
    """The moment, in milliseconds, of the newest of a server's packs: `S#<server>#LOG` and `H`."""

    newest = NumberAttribute(attr_name="h")


class NumberItem(MailItem):
    """The highest number given out of a kind: `S#<server>#SEQ` and the kind."""

    number = NumberAttribute(attr_name="n")


class LimitItem(MailItem):
    """How much of its send limits an owner has used: `S#<server>#LIM` (or `O#<organization>#LIM`) and the owner's name;
    beside it, under `L#<owner>#<period>`, each of its lines that holds mail."""

    vars().update(
        {
            f"{word}_{period}": NumberAttribute(attr_name=f"{letter}{period}", null=True)
            for period in "hdm"
            for word, letter in (("used", "t"), ("newest", "r"))
        }
    )
    vars().update(
        {
            f"slot_{period}_{slot:02d}": NumberAttribute(attr_name=f"{period}{slot:02d}", null=True)
            for period in "hdm"
            for slot in range(100)
        }
    )
    line_of_hour = UnicodeAttribute(attr_name="qh", null=True)
    line_of_day = UnicodeAttribute(attr_name="qd", null=True)
    line_of_month = UnicodeAttribute(attr_name="qm", null=True)
    version = NumberAttribute(attr_name="v", null=True)
    due_key = UnicodeAttribute(attr_name="dk", null=True)
    due_at = NumberAttribute(attr_name="du", null=True)
    released_at = NumberAttribute(attr_name="z", null=True)
    most = NumberAttribute(attr_name="o", null=True)
    entered = NumberAttribute(attr_name="g", null=True)
    waiting = NumberAttribute(attr_name="k", null=True)
    given_back = UnicodeAttribute(attr_name="w", null=True)


class StandingItem(MailItem):
    """A message that stands in a line: `S#<server>#LST` and the line, when it was accepted, its server and id."""

    at = NumberAttribute(attr_name="t")
    attempt = NumberAttribute(attr_name="a")


class RateItem(MailItem):
    """How many requests a key has made since its window began: `RATE#<policy>#<digest>` and `A`."""

    began = NumberAttribute(attr_name="t")
    number = NumberAttribute(attr_name="n")


class AnswerItem(MailItem):
    """The first answer to a request with an idempotency key: `S#<server>#I` and the key."""

    fingerprint = UnicodeAttribute(attr_name="f")
    started_at = NumberAttribute(attr_name="t")
    write = UnicodeAttribute(attr_name="n")
    status = NumberAttribute(attr_name="st", null=True)
    body = BinaryAttribute(legacy_encoding=False, attr_name="b", null=True)


class ControlItem(Model):
    """Any item of the control table: `value` is the configuration value, as a map of its fields (see `values`)."""

    class Meta:
        table_name = "posthorn-control"
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    expires_at = TTLAttribute(attr_name="x", null=True)
    value: MapAttribute[str, Any] = MapAttribute(attr_name="v", null=True)
    number = NumberAttribute(attr_name="n", null=True)
