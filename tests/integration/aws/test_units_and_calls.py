"""What each step costs: AWS calls and DynamoDB units."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.cost.prices import price_of
from chalicelib.adapters.aws.dynamo.records import message_item
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.adapters.aws.request_units import item_size
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import BlobRef, DeliveryJob, MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.routes import ROUTES, Route, RouteMode
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import ClaimRefused, MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory
from tests.fakes import (
    NOW,
    a_delivery,
    a_job,
    a_message,
    a_server,
    a_server_id,
    an_operation,
    an_organization,
)
from tests.tenants import make_tenant

pytestmark = pytest.mark.aws
Spent = Callable[[], Usage]


@pytest.fixture
def spent(meter: Meter) -> Spent:
    """Usage since it was last asked."""

    def since() -> Usage:
        usage = meter.snapshot()
        meter.reset()
        return usage

    return since


def delivered(record: MessageRecord) -> MessageRecord:
    """The record after a successful first attempt."""
    return replace(
        record,
        state=State.DONE,
        status=Status.SENT,
        attempt=1,
        lease_owner="",
        lease_until=0,
        last_attempt_at=NOW + 2.5,
        deliveries=(a_delivery(1),),
    )


async def test_a_message_costs_four_units_and_three_calls(aws: Posthorn, spent: Spent) -> None:
    message = a_message(a_server_id(), 1)
    await aws[Shards](message.server_id)
    spent()
    await aws[MessageStore].create([message])
    created = spent()
    assert (created.write_units, created.calls) == (2, {"dynamodb.PutItem": 1})
    record = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert isinstance(record, MessageRecord)
    claimed = spent()
    assert (claimed.write_units, claimed.calls) == (1, {"dynamodb.UpdateItem": 1})
    assert await aws[MessageStore].replace(record, delivered(record))
    finished = spent()
    assert (finished.write_units, finished.calls) == (1, {"dynamodb.UpdateItem": 1})
    assert created.read_units == claimed.read_units == finished.read_units == 0


async def test_mail_that_arrives_costs_what_mail_that_leaves_does(
    aws: Posthorn, spent: Spent
) -> None:
    """Four write units, and as many as often for each further endpoint. Reads are for the first message alone."""
    organization = an_organization()
    own = ServerId(1_000_000 + secrets.randbelow(3_000_000))  # as large as a token can hold
    server = a_server(organization, id=own)
    await aws[Repository].add(ORGANIZATIONS, organization)
    await aws[Repository].add(SERVERS, server)
    route = Route(
        f"r{server.id}",
        server.id,
        "u",
        1,
        "x",
        f"{server.id}.test",
        f"t{server.id}",
        NOW,
        RouteMode.ACCEPT,
        last_used_at=NOW,
    )
    await aws[Repository].add(ROUTES, route)
    made = None
    for number in range(2):
        spent()
        recipient = await aws[Recipients].hosted(f"x@{server.id}.test")
        assert recipient is not None
        mail = IncomingMail("a@b.test", (recipient,), b"Subject: x\r\n\r\nHi\r\n")
        (made,) = await aws[AcceptIncoming].submit(mail)
        accepted = spent()
        job = ReceivedJob(DeliveryJob(made, 0), "")
        assert await aws[AttemptDelivery].run(aws[CarryIncoming], [job]) == set()
        attempted = spent()
        if number:
            assert accepted.calls == {
                "dynamodb.UpdateItem": 1,  # the bytes of the content are counted
                "s3.PutObject": 1,
                "sqs.SendMessageBatch": 1,
                "dynamodb.PutItem": 1,
            }
            assert (accepted.write_units, accepted.read_units) == (3, 0)
            assert attempted.write_units == 2
            assert attempted.calls["dynamodb.UpdateItem"] == 2
    assert made is not None
    record = await aws[MessageStore].get(server.id, made.id, Scope.INCOMING)
    assert record.status is Status.PROCESSED


async def test_a_retry_pays_for_its_indexes(aws: Posthorn, spent: Spent) -> None:
    message = a_message(a_server_id(), 1)
    await aws[MessageStore].create([message])
    first = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert isinstance(first, MessageRecord)
    spent()
    failed = replace(delivered(first), state=State.WAITING, status=Status.SOFT_FAIL)
    waiting = replace(failed, wake_at=NOW + 3_600, by_sweeper=True)
    assert await aws[MessageStore].replace(first, waiting)
    assert spent().write_units == 3  # the item, into `flag`, into `due`
    assert await aws[MessageStore].clear_due(waiting)
    assert spent().write_units == 2  # the item, out of `due`
    second = await aws[MessageStore].claim(a_job(message, 1), "w1", NOW, NOW + 300)
    assert isinstance(second, MessageRecord)
    assert spent().write_units == 1
    sent = replace(second, state=State.DONE, status=Status.SENT, attempt=2, lease_owner="")
    assert await aws[MessageStore].replace(second, sent)
    assert spent().write_units == 2  # the item, out of `flag`


async def test_a_refused_claim_needs_no_second_read(aws: Posthorn, spent: Spent) -> None:
    message = a_message(a_server_id(), 1)
    await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    spent()
    refused = await aws[MessageStore].claim(a_job(message), "w2", NOW, NOW + 300)
    assert isinstance(refused, ClaimRefused)
    usage = spent()
    assert (usage.write_units, usage.total_calls) == (1, 1)


async def test_a_message_item_fits_into_one_unit() -> None:
    longest = {
        "mail_from": "newsletter-bounces+campaign-2027-01@mail.marketing.example.com",
        "rcpt_to": "firstname.lastname+something@subsidiary.customer.example.com",
        "subject": "Your invoice 2027-000123 of 15 January is attached to this message",
        "tag": "invoice-monthly",
    }
    message = a_message(a_server_id(), 2_000_000_000, **longest)
    record = delivered(MessageRecord(message))
    assert item_size(message_item(record, 0, "0123456789ab")) <= 1_024
    leased = MessageRecord(message, state=State.LEASED, lease_owner="w" * 40, lease_until=NOW)
    assert item_size(message_item(leased, 0, "0123456789ab")) <= 700


async def test_packed_bodies_are_one_put_and_ranges(aws: Posthorn, spent: Spent) -> None:
    refs = await aws[BlobStore].put(a_server_id(), [b"x" * 1_000] * 20, NOW)
    assert spent().calls == {"s3.PutObject": 1, "dynamodb.UpdateItem": 1}  # the bytes are counted
    for ref in refs[:3]:
        await aws[BlobStore].get(ref)
    usage = spent()
    assert usage.calls == {"s3.GetObject": 3}
    assert usage.bytes_received == 3_000
    assert price_of(usage) == pytest.approx(1.2e-6)
    assert await aws[BlobStore].get(BlobRef(refs[0].key, 0, 0)) == b""
    assert spent().total_calls == 0


async def test_ten_wake_ups_are_one_call(aws: Posthorn, spent: Spent) -> None:
    server = a_server_id()
    await aws[WorkQueue].wake("default", [a_job(a_message(server, 1))])
    assert spent().calls == {"sqs.GetQueueUrl": 1, "sqs.SendMessageBatch": 1}
    await aws[WorkQueue].wake("default", [a_job(a_message(server, n)) for n in range(25)])
    assert spent().calls == {"sqs.SendMessageBatch": 3}


async def test_secrets_ask_the_key_service_rarely(
    aws: Posthorn, spent: Spent, clock: ControlledClock
) -> None:
    sealed = [await aws[KeyVault].seal(b"secret %d" % n, {"n": str(n)}) for n in range(20)]
    assert spent().calls == {"kms.GenerateDataKey": 1}
    for n, one in enumerate(sealed):
        assert await aws[KeyVault].open(one, {"n": str(n)}) == b"secret %d" % n
    assert spent().calls == {"kms.Decrypt": 1}
    clock.advance(301)
    await aws[KeyVault].open(sealed[0], {"n": "0"})
    assert spent().calls == {"kms.Decrypt": 1}
    clock.advance(3_600)
    await aws[KeyVault].seal(b"secret", {})
    assert spent().calls == {"kms.GenerateDataKey": 1}


async def test_numbers_are_one_call_a_block(
    aws: Posthorn, spent: Spent, clock: ControlledClock
) -> None:
    server = a_server_id()
    for _ in range(20):
        await aws[Numbers].take(server, "message", 1)
    assert spent().total_calls == 1
    await aws[Numbers].take(server, "message", 50)
    assert spent().total_calls == 1
    await aws[Numbers].take(server, "message", 1)
    clock.advance(10)
    await aws[Numbers].take(server, "message", 1)
    assert spent().total_calls == 2


async def test_blocks_of_numbers_grow_with_use_and_shrink_when_they_are_dropped(
    aws: Posthorn, spent: Spent, clock: ControlledClock
) -> None:
    server = a_server_id()
    busy = [(await aws[Numbers].take(server, "message", 1))[0] for _ in range(1_000)]
    assert busy == list(range(1, 1_001))
    assert spent().total_calls == 6  # 20, 40, 80, 160, 320 and 640 numbers
    clock.advance(10)
    quiet = []
    for _ in range(4):
        quiet += await aws[Numbers].take(server, "message", 1)
        clock.advance(10)
    assert spent().total_calls == 4
    assert [later - earlier for earlier, later in pairwise(quiet[1:])] == [5, 5]


async def test_configuration_is_read_once_in_thirty_seconds(
    aws: Posthorn, spent: Spent, clock: ControlledClock
) -> None:
    for _ in range(5):
        await aws[Directory].egress_sources("nothing-here")
        await aws[ClientDirectory].ip_credential("203.0.113.1")
    assert spent().total_calls == 2
    clock.advance(31)
    await aws[Directory].egress_sources("nothing-here")
    assert spent().total_calls == 1


async def test_lists_read_as_designed(aws: Posthorn, spent: Spent) -> None:
    server = a_server_id()
    await aws[MessageStore].create([a_message(server, n, rcpt_to="a@b.test") for n in range(1, 31)])
    await aws[Shards](server)
    spent()
    page = await aws[MessageStore].page(server, Scope.OUTGOING, 30)
    assert len(page.values) == 30
    usage = spent()
    assert usage.calls == {"dynamodb.Query": 1}
    assert usage.read_units <= 4
    await aws[MessageStore].by_recipient(server, "a@b.test", 30)
    usage = spent()
    assert usage.calls == {"dynamodb.Query": 1, "dynamodb.BatchGetItem": 1}
    assert usage.read_units <= 16.5
    await aws[MessageStore].due(NOW, 100)
    assert spent().calls["dynamodb.Query"] == 8


async def test_an_operation_by_hand_costs_its_change_and_its_entry(
    aws: Posthorn, spent: Spent
) -> None:
    server, _ = await make_tenant(aws, CredentialKind.API)
    for number in (1, 2):
        await aws[MessageStore].create([a_message(server.id, number)])
    await aws[MessageActions].cancel(server.id, MessageId(1))  # the first one of a chain makes it
    spent()
    await aws[MessageActions].cancel(server.id, MessageId(2))
    used = spent()
    # The message; the entry, its look-up and the head of the chain, twice as they are in a transaction.
    assert (used.write_units, used.read_units) == (7, 5)
    assert used.calls == {
        "dynamodb.GetItem": 5,
        "dynamodb.UpdateItem": 1,
        "dynamodb.TransactWriteItems": 1,
    }
    await aws[RecordOperations].record(server.id, MessageId(2), an_operation("cancel", 2))
    assert spent().write_units == 0, "what the outbox is told of has its entry"
