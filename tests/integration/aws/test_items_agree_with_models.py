"""Stored items are what the PynamoDB models declare, whoever wrote them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.aws.dynamo.numbers import DynamoNumbers
from chalicelib.adapters.aws.dynamo.table import Item
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.simulated_units import INDEX_KEYS
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.storage.leased_numbers import NumberBlock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.send_limits import Period as Span
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.suppressions import SuppressionList
from tests import item_models as models
from tests.fakes import (
    NOW,
    a_delivery,
    a_job,
    a_message,
    a_report,
    a_server,
    a_server_id,
    an_organization,
)
from tests.listed import list_new

if TYPE_CHECKING:
    from pynamodb.models import Model

pytestmark = pytest.mark.aws


async def stored(aws: Posthorn, table: str, pk: str) -> list[Item]:
    """The items of a partition as they lie in the table."""
    answer = await aws[AwsSession].call(
        "dynamodb",
        "query",
        TableName=table,
        KeyConditionExpression="PK = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}},
    )
    items: list[Item] = answer["Items"]
    return items


def assert_declared(model: type[Model], item: Item) -> None:
    """The model reads the item and writes the same one; nothing in it is undeclared."""
    assert model.from_raw_data({**item}).serialize() == item


async def test_a_message_in_every_state(aws: Posthorn, aws_names: Settings) -> None:
    server = a_server_id()
    message = a_message(server, 1, tag="t", hold=True, dsn=DsnParameters("NEVER", "", "HDRS", "x"))
    await aws[MessageStore].create([message])
    record = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert isinstance(record, MessageRecord)
    waiting = replace(
        record,
        state=State.WAITING,
        status=Status.SOFT_FAIL,
        attempt=1,
        wake_at=NOW,
        by_sweeper=True,
        lease_owner="",
        lease_until=0,
        deliveries=tuple(a_delivery(n, details="") for n in range(5)),
    )
    assert await aws[MessageStore].replace(record, waiting)
    (item,) = await stored(aws, aws_names.mail_table, f"S#{server}#o#0")
    assert_declared(models.MessageItem, item)
    assert {"rk", "fk", "dk", "du", "lm"} <= item.keys()
    for older in await stored(aws, aws_names.mail_table, f"T#{server}#1"):
        assert_declared(models.OlderDeliveryItem, older)


async def test_small_facts(aws: Posthorn, aws_names: Settings) -> None:
    server = a_server_id()
    await list_new(aws[SuppressionList], server, [Suppression("a@b.test", "why", NOW, NOW + 60)])
    limit = Limit(LimitOwner(OwnerKind.SERVER, server), Span.HOUR, 5)
    await aws[SendLimits].take([limit], 2, NOW)
    await aws[SendLimits].give_back([limit], 1, NOW)
    standing = Standing.of(a_message(server, 1), 9)
    await aws[LimitLines].enter(limit, standing, NOW + 3_600)
    await aws[Numbers].take(server, "message", 1)
    await aws[Reports].add(server, a_report(1, MessageId(2), MessageId(3)))
    await aws[IdempotencyKeys].begin(server, "key", "print", NOW)
    await aws[IdempotencyKeys].complete(server, "key", 200, "body")
    for model, pk in (
        (models.SuppressionItem, f"S#{server}#SUP"),
        (models.ReportItem, f"S#{server}#REP"),
        (models.LimitItem, f"S#{server}#LIM"),
        (models.StandingItem, f"S#{server}#LST"),
        (models.NumberItem, f"S#{server}#SEQ"),
        (models.AnswerItem, f"S#{server}#I"),
    ):
        for item in await stored(aws, aws_names.mail_table, pk):
            assert_declared(model, item)


async def test_lists_of_a_server_with_four_shards_are_merged(
    aws: Posthorn, aws_names: Settings
) -> None:
    organization = an_organization()
    made = a_server(organization, shards=4)
    await aws[Repository].add(ORGANIZATIONS, organization)
    await aws[Repository].add(SERVERS, made)
    store, server = aws[MessageStore], made.id
    await store.create([a_message(server, number) for number in range(1, 12)])
    for shard in range(4):
        items = await stored(aws, aws_names.mail_table, f"S#{server}#o#{shard}")
        assert {int(item["SK"]["S"]) % 4 for item in items} == {shard}
    first = await store.page(server, Scope.OUTGOING, 5)
    assert [one.message.id for one in first.values] == [11, 10, 9, 8, 7]
    second = await store.page(server, Scope.OUTGOING, 6, first.next_cursor)
    assert [one.message.id for one in second.values] == [6, 5, 4, 3, 2, 1]
    assert second.next_cursor is None
    assert (await store.get(server, MessageId(7))).message.id == 7


def test_the_meter_knows_the_indexes() -> None:
    declared = {
        index["index_name"]: {key["AttributeName"] for key in index["key_schema"]}
        for index in models.MailItem._get_schema()["global_secondary_indexes"]
    }
    assert declared == {name: set(keys) for name, keys in INDEX_KEYS.items()}


async def test_a_server_that_has_used_all_its_numbers_is_told_so(
    aws: Posthorn, aws_names: Settings
) -> None:
    server = a_server_id()
    spent = models.NumberItem(pk=f"S#{server}#SEQ", sk="message", number=2**31 - 11).serialize()
    await aws[AwsSession].call("dynamodb", "put_item", TableName=aws_names.mail_table, Item=spent)
    numbers = DynamoNumbers(aws[AwsSession], aws_names, ControlledClock(), NumberBlock(10))
    assert (await numbers.take(server, "message", 10))[-1] == 2**31 - 1
    with pytest.raises(PermanentFailure, match="all its numbers"):
        await numbers.take(server, "message", 1)
