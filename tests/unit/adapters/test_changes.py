"""Records of the mail table's stream are read as changes; whatever else is in them neither counts nor stops others."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.aws.dynamo.changes import read_changes
from chalicelib.adapters.aws.dynamo.records import message_item
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import HitAdded, MessageChange
from chalicelib.domain.engagement import EngagementKind
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from infra.local.stream import matches, template_filters
from tests.fakes import NOW, a_delivery, a_message
from tests.growth import assert_linear

SERVER = ServerId(4711)
NEW = MessageRecord(a_message(SERVER, 4711))
LEASED = replace(NEW, state=State.LEASED, lease_owner="me", lease_until=NOW + 300)
SENT = lifecycle.done(LEASED, a_delivery(1))


def a_record(
    new: MessageRecord | None, old: MessageRecord | None = None, sequence: str = "4" * 40
) -> dict[str, Any]:
    """What the stream says of a message."""
    images = {
        name: message_item(each, 0)
        for name, each in (("NewImage", new), ("OldImage", old))
        if each is not None
    }
    event = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    return of_items(event, images, sequence)


def of_items(event: str, images: dict[str, Any], sequence: str = "7") -> dict[str, Any]:
    one = next(iter(images.values()))
    keys = {name: one[name] for name in ("PK", "SK")}
    return {
        "eventName": event,
        "dynamodb": {"Keys": keys, "SequenceNumber": sequence, **images},
    }


def a_hit(code: str = "o", at: str = "1800000000.5") -> dict[str, Any]:
    item = {"PK": {"S": f"T#{SERVER}#4711"}, "SK": {"S": "E#1800000000500#ab"}}
    return of_items("INSERT", {"NewImage": {**item, "k": {"S": code}, "t": {"N": at}}})


async def read(*records: Any) -> list[Any]:
    return read_changes(records)


async def test_messages_are_read_with_what_they_were_before() -> None:
    found = await read(a_record(NEW), a_record(LEASED, NEW), a_record(SENT, LEASED, "5"))
    assert found == [
        MessageChange("4" * 40, None, NEW),
        MessageChange("4" * 40, NEW, LEASED),
        MessageChange("5", LEASED, SENT),
    ]


async def test_hits_are_read() -> None:
    assert await read(a_hit("o"), a_hit("c")) == [
        HitAdded("7", SERVER, EngagementKind.OPEN, NOW + 0.5, MessageId(4711), "1800000000500#ab"),
        HitAdded("7", SERVER, EngagementKind.CLICK, NOW + 0.5, MessageId(4711), "1800000000500#ab"),
    ]


async def test_what_a_move_brought_is_left_out() -> None:
    moved = {"n": {"S": "moved17"}}
    brought = a_record(SENT)
    brought["dynamodb"]["NewImage"] |= moved
    hit = a_hit()
    hit["dynamodb"]["NewImage"] |= moved
    again = a_record(SENT, LEASED)
    again["dynamodb"]["OldImage"] |= moved
    again["dynamodb"]["NewImage"] |= {"n": {"S": "moved18"}}
    assert await read(brought, hit, again) == []


async def test_what_happens_to_a_message_that_was_moved_is_read() -> None:
    opened = a_record(SENT, LEASED)
    for image in ("OldImage", "NewImage"):
        opened["dynamodb"][image] |= {"n": {"S": "moved17"}}
    taken = a_record(SENT, LEASED)
    taken["dynamodb"]["OldImage"] |= {"n": {"S": "moved17"}}
    assert await read(opened, taken) == [MessageChange("4" * 40, LEASED, SENT)] * 2


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        (f"S#{SERVER}#N", "m#1800000000#only"),
        (f"S#{SERVER}#C", "m#0030000000"),
        (f"S#{SERVER}#SEQ", "message"),
        (f"S#{SERVER}#SUP", "x@example.com"),
        (f"S#{SERVER}#I", "4711"),
        (f"T#{SERVER}#4711", "L"),
        (f"T#{SERVER}#4711", "D#0000000001"),
        ("something", "of later"),
    ],
)
async def test_other_items_are_left_out_without_a_word(
    pk: str, sk: str, caplog: pytest.LogCaptureFixture
) -> None:
    item = {"PK": {"S": pk}, "SK": {"S": sk}, "n": {"N": "1"}}
    assert await read(of_items("INSERT", {"NewImage": item})) == []
    assert await read(of_items("MODIFY", {"NewImage": item, "OldImage": item})) == []
    assert caplog.records == []


async def test_what_is_removed_is_left_out() -> None:
    gone = a_hit()
    gone["eventName"] = "REMOVE"
    assert await read(a_record(None, SENT), gone) == []


def spoiled(*path: str, value: Any = None) -> dict[str, Any]:
    """A record in which one value is another, or is missing."""
    record = copy.deepcopy(a_record(SENT, LEASED))
    place = record
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return record


POISON = [
    None,
    [],
    "record",
    {},
    {"dynamodb": None},
    {"dynamodb": {"Keys": {}}},
    spoiled("eventName"),
    spoiled("dynamodb", "SequenceNumber"),
    spoiled("dynamodb", "SequenceNumber", value="1.5"),
    spoiled("dynamodb", "SequenceNumber", value="9" * 5_000),
    spoiled("dynamodb", "OldImage"),
    spoiled("dynamodb", "NewImage"),
    spoiled("dynamodb", "NewImage", "st", value={"S": "?"}),
    spoiled("dynamodb", "NewImage", "st", value={"N": "1"}),
    spoiled("dynamodb", "NewImage", "ss"),
    spoiled("dynamodb", "NewImage", "ra", value={"N": "NaN"}),
    spoiled("dynamodb", "NewImage", "ra", value={"N": "-1"}),
    spoiled("dynamodb", "NewImage", "ra", value={"N": "1e300"}),
    spoiled("dynamodb", "NewImage", "l", value={"L": [{"M": {}}]}),
    spoiled("dynamodb", "NewImage", "l", value={"L": "x"}),
    spoiled("dynamodb", "NewImage", "PK", value={"S": "S#x#o#0"}),
    spoiled("dynamodb", "NewImage", "PK", value={"S": f"S#{'9' * 6_000}#o#0"}),
    a_hit("?"),
    a_hit("o", "Infinity"),
    a_hit("o", "later"),
]


@pytest.mark.parametrize("poison", POISON)
async def test_poison_is_logged_without_its_content_and_the_rest_is_read(
    poison: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "posthorn.outbox"):
        found = await read(a_record(NEW), poison, a_hit())
    assert [type(each) for each in found] == [MessageChange, HitAdded]
    (line,) = caplog.records
    assert line.levelname == "ERROR"
    assert "example.com" not in str(vars(line))


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers() | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["eventName", "dynamodb", "Keys", "PK", "SK", "S", "N", "NewImage"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
async def test_no_shape_of_a_record_stops_the_others(record: Any) -> None:
    found = await read(record, a_hit())
    assert found[-1] == HitAdded(
        "7", SERVER, EngagementKind.OPEN, NOW + 0.5, MessageId(4711), "1800000000500#ab"
    )


def test_reading_is_linear_in_the_log_of_a_message() -> None:
    async def run(record: Any) -> None:
        assert len(await read(record)) == 1

    def drive(record: Any) -> None:
        coroutine = run(record)
        with pytest.raises(StopIteration):
            coroutine.send(None)

    def long(length: int) -> dict[str, Any]:
        log = tuple(a_delivery(number, Status.SOFT_FAIL) for number in range(length))
        return a_record(replace(NEW, deliveries=log), NEW)

    assert_linear(drive, long(2_000), long(8_000))


def passes(record: dict[str, Any]) -> bool:
    return any(matches(pattern, record) for pattern in template_filters())


@pytest.mark.parametrize(
    ("record", "wakes"),
    [
        (a_record(NEW), True),
        (a_record(LEASED), True),
        (a_record(LEASED, NEW), False),
        (a_record(SENT, LEASED), True),
        (a_record(lifecycle.waiting(LEASED, a_delivery(1, Status.SOFT_FAIL), NOW), LEASED), True),
        (a_record(lifecycle.held(LEASED, a_delivery(1, Status.HELD), NOW), LEASED), True),
        (a_record(None, SENT), False),
        (a_hit(), True),
        (of_items("INSERT", {"NewImage": {"PK": {"S": "T#1#2"}, "SK": {"S": "L"}}}), False),
        (of_items("MODIFY", {"NewImage": {"PK": {"S": "S#1#N"}, "SK": {"S": "m#1#a"}}}), False),
    ],
)
def test_the_deployed_filters_wake_the_function_for_what_counts(
    record: dict[str, Any], wakes: bool
) -> None:
    assert passes(record) is wakes
